import { type Database, databaseConfig, databaseSettings, openDatabase } from '@kero/database';
import { eventSettings } from '@kero/events';
import { type Messaging, messagingConfig, messagingSettings, needsKafka, openMessaging } from '@kero/messaging';
import {
  Health,
  type Logger,
  runtimeSettings,
  type ServiceContext,
  startAdminServer,
  type ValuesOf,
} from '@kero/runtime';
import { keepRetention } from './keep-retention.ts';
import { processEvents } from './process-events.ts';
import { createProcessorCounts, type ProcessorCounts } from './processor-counts.ts';
import { processorSettings } from './processor-settings.ts';

/** Every group of settings that the processor reads. */
export const processorGroups = {
  runtime: runtimeSettings,
  events: eventSettings,
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
  const health = new Health();
  const messagingChoice = messagingConfig(settings.messaging, {
    dataDirectory: runtime.dataDirectory,
    clientId: `${runtime.projectName}-processor`,
    maxEventBytes: settings.events.maxBytes,
  });
  if (messagingChoice.driver === 'embedded') throw needsKafka('processor');

  const admin = { host: runtime.adminHost, port: runtime.adminPort ?? DEFAULT_ADMIN_PORT, health };
  context.resources.use(await startAdminServer(admin));
  const database = await openDatabase(processorDatabaseConfig(settings), { logger });
  context.resources.defer(() => database.close());
  logger.info(`database: ${database.description}`);
  const messaging = await openMessaging(messagingChoice, { logger });
  context.resources.defer(() => messaging.close());
  logger.info(`messaging: ${messaging.description}`);

  await runProcessor(context, { messaging, database, settings, health, logger, counts: createProcessorCounts() });
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
  readonly settings: Pick<ProcessorServiceSettings, 'messaging' | 'events' | 'processor'>;
  readonly health: Health;
  readonly logger: Logger;
  readonly counts: ProcessorCounts;
}

/** Joins the consumer group and processes until `context.stop`; leaves the group, with its last commits, before it resolves. */
export async function runProcessor(context: Pick<ServiceContext, 'stop'>, deps: RunProcessorDeps): Promise<void> {
  const { messaging, database, settings, health, logger, counts } = deps;
  const consumer = await messaging.consumer(settings.messaging.groupId);
  health.register('log consumer', () => consumer.health());
  health.register('database', () => database.health());
  const ended = new AbortController();
  const retention = keepRetention(
    { retention: database.retention, retentionMs: settings.events.retentionMs, logger, now: Date.now },
    AbortSignal.any([context.stop, ended.signal]),
  );
  try {
    await processEvents(
      {
        consumer,
        store: database.events,
        settings: settings.processor,
        eventSettings: settings.events,
        counts,
        logger,
        now: Date.now,
      },
      context.stop,
    );
  } finally {
    ended.abort();
    await consumer.close();
    await retention;
    logger.info({ ...counts, deadLetters: Object.fromEntries(counts.deadLetters) }, 'processor stopped');
  }
}
