import { resolve } from 'node:path';
import { describeAuth, isAuthConfigured, openAuth } from '@kero/auth';
import {
  type Database,
  describeDatabaseConfig,
  type EmbeddedConnection,
  embeddedConnection,
  openDatabase,
} from '@kero/database';
import { describeMessagingConfig, type Messaging, openMessaging, shareMessaging } from '@kero/messaging';
import { createProcessorCounts, type ProcessorCounts, processorDatabaseConfig, runProcessor } from '@kero/processor';
import { describeReceiver, type RunningReceiver, startReceiver } from '@kero/receiver';
import {
  type Logger,
  observeProcess,
  type ServiceContext,
  settingsInvalid,
  startAdminServer,
  throwIfStopped,
} from '@kero/runtime';
import { openSchemas, schemaConfig } from '@kero/schemas';
import type { AllSettings } from '../all-settings.ts';
import { startMessagingConfig } from '../cli-configs.ts';
import { renderStartText } from '../start-text.ts';

export const DEFAULT_ADMIN_PORT = 9101;

/** What runs after a start: for the start text, and for the demo, which looks inside. */
export interface RunningKero {
  readonly messaging: Messaging;
  readonly database: Database;
  readonly receiver: RunningReceiver;
  readonly processorCounts: ProcessorCounts;
  readonly adminPort: number;
}

/**
 * `kero start`: receiver and processor in one process, on whatever messaging and database the settings name; with nothing
 * set, everything embedded. Runs until `context.stop`. Calls `onReady` once events are taken, unless the stop came before;
 * throws `stopped` when it came before anything runs.
 *
 * At the end the receiver stops taking events and the processor finishes its batches; only then the database (with an embedded
 * server) and the log are closed.
 */
export async function startService(
  context: ServiceContext,
  settings: AllSettings,
  logger: Logger,
  onReady: (running: RunningKero) => void,
): Promise<void> {
  const { runtime } = settings;
  if (settings.receiver.workers !== 1) throw oneProcess();
  const messagingChoice = startMessagingConfig(settings);
  const databaseChoice = startDatabaseConfig(settings);
  logger.info(
    `messaging: ${describeMessagingConfig(messagingChoice)}; database: ${describeDatabaseConfig(databaseChoice)}`,
  );
  const auth = context.resources.use(await openAuth(settings.auth, { logger }));
  logger.info(`authentication: ${describeAuth(auth)}`);
  const schemas = await openSchemas(schemaConfig(settings.schemas, settings.messaging), { logger });
  context.resources.defer(() => schemas.close());
  logger.info(`schemas: ${schemas.description}`);
  const { health, metrics, started } = observeProcess(context, logger);
  const opening = { logger, stop: context.stop, patienceMs: runtime.startTimeoutMs ?? Number.POSITIVE_INFINITY };
  const messaging = await openMessaging(messagingChoice, opening);
  context.resources.defer(() => messaging.close());
  context.resources.use(await shareMessaging(messaging, messagingChoice, { logger }));
  // After the log, whose lock tells of another Kero in the same folder; before the database, which may be waited for.
  const admin = await startAdminServer({
    host: runtime.adminHost,
    port: runtime.adminPort ?? DEFAULT_ADMIN_PORT,
    health,
    metrics,
  });
  context.resources.use(admin);
  const database = await openDatabase(databaseChoice, opening);
  context.resources.defer(() => database.close());
  throwIfStopped(context.stop);

  const processorCounts = createProcessorCounts();
  const shared = { messaging, schemas, settings, health, metrics, logger };
  const processing = runProcessor(context, { ...shared, database, counts: processorCounts });
  // Its failure stops the receiver too; its end after a stop is waited for below.
  processing.catch(context.fail);
  const receiver = await startReceiver(context, { ...shared, auth });
  logger.info(describeReceiver(receiver));
  if (!context.stop.aborted) {
    started();
    onReady({ messaging, database, receiver, processorCounts, adminPort: admin.port });
  }
  await processing;
}

/** The lines for a person at a terminal. */
export function describeStart(running: RunningKero, settings: AllSettings, now: Date): string {
  return renderStartText({
    messaging: running.messaging.description,
    database: running.database.description,
    receiverUrl: running.receiver.url,
    adminUrl: `http://${settings.runtime.adminHost}:${running.adminPort}`,
    needsKey: isAuthConfigured(settings.auth),
    rows: connectionOfRows(settings),
    now,
  });
}

function startDatabaseConfig(settings: AllSettings) {
  const runtime = { ...settings.runtime, dataDirectory: resolve(settings.runtime.dataDirectory) };
  return processorDatabaseConfig({ ...settings, runtime });
}

function connectionOfRows(
  settings: AllSettings,
): EmbeddedConnection | { host: string; port: number; user: string; database: string } {
  const config = startDatabaseConfig(settings);
  if (config.driver === 'embedded') return embeddedConnection(config);
  const [first] = config.hosts;
  return { host: first?.host ?? 'localhost', port: first?.port ?? 5432, user: config.user, database: config.database };
}

/** Receiver and processor share one process, and an embedded log belongs to one. */
function oneProcess() {
  return settingsInvalid([
    'RECEIVER_WORKERS: kero start is one process: leave it out, or run `kero receiver` (as many workers as you like) and `kero processor` on Kafka',
  ]);
}
