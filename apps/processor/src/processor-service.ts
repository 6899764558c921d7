import { type Database, databaseConfig, databaseSettings, describeDatabaseConfig, openDatabase } from '@kero/database';
import { eventSettings } from '@kero/events';
import {
  addLagMetrics,
  describeMessagingConfig,
  LagWatch,
  type Messaging,
  messagingConfig,
  messagingSettings,
  needsKafka,
  openMessaging,
} from '@kero/messaging';
import {
  type Health,
  type Logger,
  type Metrics,
  observeProcess,
  runtimeSettings,
  type ServiceContext,
  startAdminServer,
  type ValuesOf,
} from '@kero/runtime';
import { openSchemas, type SchemaSource, schemaConfig, schemaSettings } from '@kero/schemas';
import { keepRetention } from './keep-retention.ts';
import { PartitionWrites } from './partition-writes.ts';
import { createProcessorCounts, type ProcessorCounts } from './processor-counts.ts';
import { addProcessorMetrics } from './processor-metrics.ts';
import { processorSettings } from './processor-settings.ts';
import { type Supervision, superviseProcessing } from './supervise-processing.ts';

/** Every group of settings that the processor reads. */
export const processorGroups = {
  runtime: runtimeSettings,
  events: eventSettings,
  schemas: schemaSettings,
  messaging: messagingSettings,
  database: databaseSettings,
  processor: processorSettings,
};

export type ProcessorServiceSettings = {
  readonly [K in keyof typeof processorGroups]: ValuesOf<(typeof processorGroups)[K]>;
};

export const DEFAULT_ADMIN_PORT = 9102;

/** Connections kept beside those that write batches: migrations, health, a person's query. */
const SPARE_CONNECTIONS = 1;

/** The processor as a service of its own: opens what it needs, runs until it is told to stop. */
export async function processorService(
  context: ServiceContext,
  settings: ProcessorServiceSettings,
  logger: Logger,
): Promise<void> {
  const { runtime } = settings;
  const messagingChoice = messagingConfig(settings.messaging, {
    dataDirectory: runtime.dataDirectory,
    clientId: `${runtime.projectName}-processor`,
    maxEventBytes: settings.events.maxBytes,
  });
  if (messagingChoice.driver === 'embedded') throw needsKafka('processor');
  const databaseChoice = processorDatabaseConfig(settings);
  logger.info(
    `messaging: ${describeMessagingConfig(messagingChoice)}; database: ${describeDatabaseConfig(databaseChoice)}`,
  );

  const schemas = await openSchemas(schemaConfig(settings.schemas, settings.messaging), { logger });
  context.resources.defer(() => schemas.close());
  logger.info(`schemas: ${schemas.description}`);

  const { health, metrics, started } = observeProcess(context, logger);
  const admin = { host: runtime.adminHost, port: runtime.adminPort ?? DEFAULT_ADMIN_PORT, health, metrics };
  context.resources.use(await startAdminServer(admin));
  const opening = { logger, stop: context.stop, patienceMs: runtime.startTimeoutMs ?? Number.POSITIVE_INFINITY };
  const database = await openDatabase(databaseChoice, opening);
  context.resources.defer(() => database.close());
  logger.info(`database: ${database.description}`);
  const messaging = await openMessaging(messagingChoice, opening);
  context.resources.defer(() => messaging.close());
  logger.info(`messaging: ${messaging.description}`);

  const counts = createProcessorCounts();
  const running = runProcessor(context, { messaging, database, schemas, settings, health, metrics, logger, counts });
  started();
  await running;
}

/** How the processor connects to its database. */
export function processorDatabaseConfig(
  settings: Pick<ProcessorServiceSettings, 'runtime' | 'database' | 'processor'>,
) {
  return databaseConfig(settings.database, {
    dataDirectory: settings.runtime.dataDirectory,
    applicationName: `${settings.runtime.projectName}-processor`,
    maxConnections: settings.processor.connections + SPARE_CONNECTIONS,
  });
}

export interface RunProcessorDeps {
  readonly messaging: Messaging;
  readonly database: Database;
  readonly schemas: SchemaSource;
  readonly settings: Pick<ProcessorServiceSettings, 'runtime' | 'messaging' | 'events' | 'processor'>;
  readonly health: Health;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly counts: ProcessorCounts;
}

/** Of SHUTDOWN_TIMEOUT, what writes under way get; the rest is for the log and the database to let go. */
const STOP_PATIENCE_SHARE = 0.2;
/** Readiness must know of an outage although there is nothing to write. */
const HEALTH_INTERVAL_MS = 5000;

/**
 * Joins the consumer group and processes until `context.stop`; leaves the group, with its last commits, before it resolves.
 * Shows itself in health and metrics, the lag of the group included.
 */
export async function runProcessor(context: Pick<ServiceContext, 'stop'>, deps: RunProcessorDeps): Promise<void> {
  const { messaging, database, schemas, settings, health, metrics, logger, counts } = deps;
  const { groupId } = settings.messaging;
  await using lag = new LagWatch({ reader: messaging.lagReader(groupId), logger });
  addLagMetrics(metrics, lag, Date.now);
  health.register('database', () => database.health());
  const healthTimer = setInterval(() => database.health(), HEALTH_INTERVAL_MS);
  const ended = new AbortController();
  const retention = keepRetention(
    { retention: database.retention, retentionMs: settings.events.retentionMs, logger, now: Date.now },
    AbortSignal.any([context.stop, ended.signal]),
  );
  const writes = new PartitionWrites();
  let supervision: Supervision | undefined;
  const observeBatch = addProcessorMetrics(metrics, { counts, writes, supervision: () => supervision });
  try {
    supervision = superviseProcessing(
      {
        openConsumer: () => messaging.consumer(groupId),
        lag: () => lag.known,
        store: database.events,
        settings: settings.processor,
        eventSettings: settings.events,
        schemas,
        stallAfterMs: settings.processor.stallAfterMs,
        stopPatienceMs: settings.runtime.shutdownTimeoutMs * STOP_PATIENCE_SHARE,
        counts,
        writes,
        observeBatch,
        health,
        logger,
        now: Date.now,
      },
      context.stop,
    );
    await supervision.done;
  } finally {
    clearInterval(healthTimer);
    ended.abort();
    await retention;
    logger.info({ ...counts, deadLetters: Object.fromEntries(counts.deadLetters) }, 'processor stopped');
  }
}
