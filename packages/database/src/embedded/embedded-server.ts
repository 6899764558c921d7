import { backoffMs, describeError, isKeroError, type Logger, lockFolder, sleep, throwIfStopped } from '@kero/runtime';
import { databaseError } from '../database-errors.ts';
import type { EmbeddedDatabaseConfig } from '../database-settings.ts';
import { sqlState } from '../postgres/classify-error.ts';
import { connectWritable, noLimits } from '../postgres/client.ts';
import { chooseRunAs } from './run-as.ts';
import { type ClusterTools, createCluster, hasCluster, resetRole } from './server-cluster.ts';
import { startServer, stopServer } from './server-control.ts';
import {
  type Connection,
  findFreePort,
  generatePassword,
  isPortFree,
  keepConnection,
  LOOPBACK,
  readConnection,
  serverFolder,
} from './server-folder.ts';
import { disarmStalePidFile, serverPid } from './server-pid.ts';
import { findServerPrograms } from './server-program.ts';

/** A PostgreSQL server that this process runs. */
export interface EmbeddedServer {
  readonly connection: Connection;
  /** Stops the server and lets go of the folder. Idempotent. */
  stop(): Promise<void>;
}

const WATCH_INTERVAL_MS = 1_000;
const PORT_ATTEMPTS = 5;
const EVERY_CLUSTER_HAS = 'postgres';

/**
 * Takes the folder, makes the cluster at the first start, and starts the server; starts it again whenever it is gone.
 *
 * Throws `folder_in_use`, `folder_unusable` or `embedded_server_failed`; `stopped` between two steps when `stop` aborted.
 */
export async function startEmbeddedServer(
  config: EmbeddedDatabaseConfig,
  { logger, stop }: { logger: Logger; stop?: AbortSignal | undefined },
): Promise<EmbeddedServer> {
  const lock = lockFolder(config.directory);
  try {
    const folder = serverFolder(config.directory);
    const programs = findServerPrograms();
    const tools: ClusterTools = { folder, programs, runAs: await chooseRunAs(config.directory, programs) };
    const connection = await startCluster(config, tools, logger, stop);
    return new WatchedServer(tools, connection, lock, logger);
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
}

async function startCluster(
  config: EmbeddedDatabaseConfig,
  tools: ClusterTools,
  logger: Logger,
  stop: AbortSignal | undefined,
): Promise<Connection> {
  const { folder } = tools;
  const kept = readConnection(folder);
  const wanted = {
    host: LOOPBACK,
    user: config.user,
    password: config.password ?? kept?.password ?? generatePassword(),
    database: config.database,
  };
  throwIfStopped(stop);
  if (hasCluster(folder)) {
    await stopOrphan(tools, logger);
  } else {
    logger.info(`making a new PostgreSQL cluster in ${folder.data}`);
    const keep = () => keepConnection(folder, { ...wanted, port: config.port ?? kept?.port ?? 0 });
    await createCluster(tools, wanted, keep, stop);
  }
  // From here on a server runs: it is for who gets it to look at the stop.
  throwIfStopped(stop);
  let port = await startOnSomePort(config, tools, kept?.port);
  if (!(await canLogIn({ ...wanted, port }))) {
    logger.info(`setting up the role ${wanted.user} of the embedded PostgreSQL with the password of the settings`);
    await stopServer(tools);
    await resetRole(tools, wanted);
    port = await startOnSomePort(config, tools, port);
  }
  keepConnection(folder, { ...wanted, port });
  return { ...wanted, port };
}

/** A server that outlived its Kero (kill -9): it is stopped, and started again under our own watch. */
async function stopOrphan(tools: ClusterTools, logger: Logger): Promise<void> {
  const { data } = tools.folder;
  const orphan = serverPid(data);
  if (orphan !== undefined) {
    logger.warn(`a PostgreSQL server (process ${orphan}) is still running in ${data}: stopping it first`);
    await stopServer(tools);
  }
  disarmStalePidFile(data);
}

async function startOnSomePort(
  config: EmbeddedDatabaseConfig,
  tools: ClusterTools,
  keptPort: number | undefined,
): Promise<number> {
  let reason = '';
  for (let attempt = 0; attempt < PORT_ATTEMPTS; attempt++) {
    const port = await choosePort(config.port, attempt === 0 ? keptPort : undefined);
    const started = await startServer(tools, port);
    if (started.ok) return port;
    reason = started.reason;
    // Taken in the moment between looking and starting.
    if (!started.portTaken || config.port !== undefined) break;
  }
  throw databaseError(
    'embedded_server_failed',
    `the PostgreSQL server in ${tools.folder.data} did not start: ${reason}`,
  );
}

async function choosePort(demanded: number | undefined, kept: number | undefined): Promise<number> {
  if (demanded === undefined) return kept && (await isPortFree(kept)) ? kept : findFreePort();
  if (await isPortFree(demanded)) return demanded;
  throw databaseError('embedded_server_failed', `port ${demanded} of ${LOOPBACK} is taken by another program`, {
    remedy: 'Set POSTGRES_PORT to a free port, or leave it out: Kero then chooses one and keeps it.',
  });
}

/**
 * False when the server does not know the role or its password: the settings changed, or somebody changed the role. A server
 * that has started and cannot be used for another reason (somebody made it read-only) is waited for by whoever opens it.
 */
async function canLogIn(connection: Connection): Promise<boolean> {
  try {
    const { client } = await connectWritable(
      {
        ...connection,
        hosts: [connection],
        database: EVERY_CLUSTER_HAS,
        sslMode: 'disable',
        sslCaFile: undefined,
        applicationName: 'kero',
      },
      noLimits,
    );
    await client.end();
    return true;
  } catch (error) {
    const state = isKeroError(error) ? sqlState(error.cause) : undefined;
    if (state?.startsWith('28')) return false;
    if (isKeroError(error, 'database_unavailable')) return true;
    throw databaseError('embedded_server_failed', `the PostgreSQL server does not answer: ${describeError(error)}`, {
      cause: error,
    });
  }
}

/**
 * Looks every second whether the server is there; PostgreSQL restarts its own workers, but nobody restarts PostgreSQL when
 * it is killed as a whole.
 *
 * running --the process is gone--> restarting --started--> running; both --stop()--> stopped
 */
class WatchedServer implements EmbeddedServer {
  readonly connection: Connection;
  readonly #tools: ClusterTools;
  readonly #lock: Disposable;
  readonly #logger: Logger;
  readonly #stopping = new AbortController();
  readonly #watch: Promise<void>;
  #stopped: Promise<void> | undefined;

  constructor(tools: ClusterTools, connection: Connection, lock: Disposable, logger: Logger) {
    this.connection = connection;
    this.#tools = tools;
    this.#lock = lock;
    this.#logger = logger;
    this.#watch = this.#restartWhenGone();
  }

  async stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#stopping.abort();
    await this.#watch;
    try {
      await stopServer(this.#tools);
    } finally {
      this.#lock[Symbol.dispose]();
    }
  }

  async #restartWhenGone(): Promise<void> {
    const { signal } = this.#stopping;
    let failures = 0;
    for (;;) {
      await sleep(failures === 0 ? WATCH_INTERVAL_MS : backoffMs(failures, { firstMs: 500, maxMs: 10_000 }), signal);
      if (signal.aborted) return;
      if (serverPid(this.#tools.folder.data) !== undefined) continue;
      this.#logger.error('the embedded PostgreSQL server is gone: starting it again');
      disarmStalePidFile(this.#tools.folder.data);
      const started = await startServer(this.#tools, this.connection.port);
      failures = started.ok ? 0 : failures + 1;
      if (!started.ok) this.#logger.error(`the embedded PostgreSQL server did not start: ${started.reason}`);
    }
  }
}
