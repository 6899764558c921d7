import { type Authenticator, describeAuth, openAuth } from '@kero/auth';
import {
  addLagMetrics,
  describeMessagingConfig,
  LagWatch,
  type Messaging,
  type MessagingConfig,
  messagingConfig,
  needsKafka,
  openMessaging,
} from '@kero/messaging';
import {
  aborted,
  forkWorker,
  type Logger,
  type Metrics,
  observeProcess,
  prepareWorkers,
  type ServiceContext,
  startAdminServer,
  WorkerLink,
  workerNumber,
} from '@kero/runtime';
import { openSchemas, type SchemaSource, schemaConfig } from '@kero/schemas';
import { describeReceiver, type ReceiverServiceSettings, startReceiver } from './receiver-service.ts';
import { resolveWorkerCount } from './workers/worker-count.ts';

export const DEFAULT_ADMIN_PORT = 9101;

/** Says one line of a start. */
type Say = (line: string) => void;

/**
 * The receiver as a service of its own: opens what it needs, runs until it is told to stop. With RECEIVER_WORKERS above 1 the process
 * that a person starts answers operators, watches the log, and keeps as many workers running: this same command again, which
 * takes the requests.
 */
export async function receiverService(
  context: ServiceContext,
  settings: ReceiverServiceSettings,
  logger: Logger,
): Promise<void> {
  const number = workerNumber();
  const count = resolveWorkerCount(settings.receiver.workers);
  if (number !== undefined) await runWorker(context, settings, logger, number);
  else if (count === 1) await runAlone(context, settings, logger);
  else await runParent(context, settings, logger, count);
}

async function runAlone(context: ServiceContext, settings: ReceiverServiceSettings, logger: Logger): Promise<void> {
  const say: Say = (line) => logger.info(line);
  const config = logConfig(settings, say);
  const parts = await openParts(context.resources, settings, logger, say);
  const { health, metrics, started } = observeProcess(context, logger);
  context.resources.use(await startAdminServer({ ...adminAddress(settings), health, metrics }));
  const messaging = await openLog(context, config, settings, logger, say);
  watchLag(context, messaging, settings, metrics, logger);
  say(describeReceiver(await startReceiver(context, { messaging, ...parts, settings, health, metrics, logger })));
  started();
  await aborted(context.stop);
}

async function runParent(
  context: ServiceContext,
  settings: ReceiverServiceSettings,
  logger: Logger,
  count: number,
): Promise<void> {
  const say: Say = (line) => logger.info(line);
  const config = logConfig(settings, say);
  {
    // What cannot be opened would end every worker: tried here once.
    await using trial = new AsyncDisposableStack();
    await openParts(trial, settings, logger, say);
  }

  const { health, metrics, started } = observeProcess(context, logger);
  let announced = '';
  const onServing = (where: string) => {
    if (where !== announced) say(`${where}, ${count} workers`);
    announced = where;
  };
  const workers = prepareWorkers(context, { count, fork: forkWorker, health, metrics, logger, onServing });
  context.resources.use(await startAdminServer({ ...adminAddress(settings), health, metrics: workers }));
  const messaging = await openLog(context, config, settings, logger, say);
  watchLag(context, messaging, settings, metrics, logger);
  await workers.start();
  started();
  await aborted(context.stop);
}

async function runWorker(
  context: ServiceContext,
  settings: ReceiverServiceSettings,
  logger: Logger,
  number: number,
): Promise<void> {
  // The parent has said it.
  const say: Say = (line) => logger.debug(line);
  const { health, metrics, started } = observeProcess(context, logger);
  const link = context.resources.use(new WorkerLink({ context, health, metrics }));
  try {
    const config = logConfig(settings, say);
    const parts = await openParts(context.resources, settings, logger, say);
    const quiet = logger.child({}, { level: 'error' });
    const messaging = await openLog(context, config, settings, logger, say, quiet);
    const startLogger = number === 1 ? logger : quiet;
    const deps = { messaging, ...parts, settings, health, metrics, logger, startLogger };
    const running = await startReceiver(context, deps);
    started();
    await link.serving(describeReceiver(running));
  } catch (error) {
    await link.failed(error);
    throw error;
  }
  await aborted(context.stop);
}

/** Throws KeroError `settings_invalid` where there is only the embedded log, which belongs to one process. */
function logConfig(settings: ReceiverServiceSettings, say: Say): MessagingConfig {
  const config = messagingConfig(settings.messaging, {
    dataDirectory: settings.runtime.dataDirectory,
    clientId: `${settings.runtime.projectName}-receiver`,
    maxEventBytes: settings.events.maxBytes,
  });
  if (config.driver === 'embedded') throw needsKafka('receiver');
  say(`messaging: ${describeMessagingConfig(config)}`);
  return config;
}

/** Who may send, and what. */
async function openParts(
  resources: AsyncDisposableStack,
  settings: ReceiverServiceSettings,
  logger: Logger,
  say: Say,
): Promise<{ auth: Authenticator | undefined; schemas: SchemaSource }> {
  const auth = resources.use(await openAuth(settings.auth, { logger }));
  say(`authentication: ${describeAuth(auth)}`);
  const schemas = await openSchemas(schemaConfig(settings.schemas, settings.messaging), { logger });
  resources.defer(() => schemas.close());
  say(`schemas: ${schemas.description}`);
  return { auth, schemas };
}

async function openLog(
  { stop, resources }: ServiceContext,
  config: MessagingConfig,
  { runtime }: ReceiverServiceSettings,
  logger: Logger,
  say: Say,
  startLogger = logger,
): Promise<Messaging> {
  const patienceMs = runtime.startTimeoutMs ?? Number.POSITIVE_INFINITY;
  const messaging = await openMessaging(config, { logger, startLogger, stop, patienceMs });
  resources.defer(() => messaging.close());
  say(`messaging: ${messaging.description}`);
  return messaging;
}

/** The lag of the processors: who watches them must not be one of them. */
function watchLag(
  { resources }: ServiceContext,
  messaging: Messaging,
  settings: ReceiverServiceSettings,
  metrics: Metrics,
  logger: Logger,
): void {
  const reader = messaging.lagReader(settings.messaging.groupId);
  addLagMetrics(metrics, resources.use(new LagWatch({ reader, logger })), Date.now);
}

function adminAddress({ runtime }: ReceiverServiceSettings): { readonly host: string; readonly port: number } {
  return { host: runtime.adminHost, port: runtime.adminPort ?? DEFAULT_ADMIN_PORT };
}
