import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { EmbeddedLog } from './embedded-log.ts';
import { FaultyProxy } from './faulty-proxy.ts';
import { freePorts } from './free-ports.ts';
import { isAlive, readPid, signalTo, stopPostmaster } from './pids.ts';
import { connectPostgres, type PostgresAddress } from './postgres-client.ts';
import { notReady } from './ready.ts';
import { SupervisedProcess } from './supervised-process.ts';
import type { PostgresUnderTest, System } from './system.ts';
import { waitFor } from './wait-for.ts';

export interface SystemOptions {
  /** Everything that the system writes goes here. */
  readonly folder: string;
  /** The checkout whose `kero` is tested. */
  readonly kero: string;
}

const START_TIMEOUT_MS = 90_000;

/** `kero start` with nothing configured, in a process of its own: embedded log, embedded PostgreSQL. */
export async function startEmbeddedSystem({ folder, kero }: SystemOptions): Promise<System> {
  await using starting = new AsyncDisposableStack();
  const data = join(folder, 'data');
  mkdirSync(data, { recursive: true });
  const [receiverPort = 0, adminPort = 0] = await freePorts(2);
  const postgresFolder = join(data, 'postgres');
  const postmasterPidFile = join(postgresFolder, 'data', 'postmaster.pid');

  const start = new SupervisedProcess({
    name: 'kero start',
    command: [process.execPath, join(kero, 'apps/cli/bin/kero.js'), 'start'],
    environment: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      KERO_DATA_DIR: data,
      RECEIVER_PORT: String(receiverPort),
      ADMIN_PORT: String(adminPort),
      LOG_FORMAT: 'json',
    },
    cwd: folder,
    logFile: join(folder, 'kero-start.log'),
    leftovers: `kill -QUIT $(head -n 1 '${postmasterPidFile}')`,
  });
  // Closed after the process, which stops it when all goes well.
  starting.defer(() => stopPostmaster(postmasterPidFile));
  starting.defer(() => start.close());
  start.start();

  const direct = `http://127.0.0.1:${receiverPort}`;
  const proxy = starting.use(
    await FaultyProxy.start('client-receiver', () => ({ host: '127.0.0.1', port: receiverPort })),
  );
  const readiness = async () => {
    const reason =
      (await notReady('receiver', `${direct}/health/ready`)) ??
      (await notReady('kero start', `http://127.0.0.1:${adminPort}/health/ready`));
    return { ready: reason === undefined, reasons: reason === undefined ? [] : [reason] };
  };
  await waitFor(async () => (await readiness()).ready, START_TIMEOUT_MS, 'kero start to be ready');
  const log = starting.use(new EmbeddedLog(join(data, 'messaging', 'log.sqlite'), () => start.isUp));
  const postgres = embeddedPostgres(postgresFolder, postmasterPidFile);

  const resources = starting.move();
  return {
    kind: 'embedded',
    description: ['kero start in one process, everything embedded', `log: ${log.description}`],
    receivers: [{ name: 'receiver', url: `http://127.0.0.1:${proxy.port}` }],
    processes: [start],
    postgres,
    log,
    brokers: undefined,
    edges: { 'client-receiver': [proxy] },
    readiness,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

function embeddedPostgres(folder: string, pidFile: string): PostgresUnderTest {
  // Read at each use: Kero chooses the port, and may choose another one.
  const address = () => JSON.parse(readFileSync(join(folder, 'server.json'), 'utf8')) as PostgresAddress;
  const connect = () => connectPostgres({ ...address(), host: '127.0.0.1' }, 'prover');
  return {
    get database() {
      return address().database;
    },
    keroIsOrdinary: false,
    connect,
    connectAsKero: connect,
    async kill(signal) {
      const pid = readPid(pidFile);
      if (pid === undefined) return;
      signalTo(pid, signal);
      await waitFor(() => !isAlive(pid), 30_000, 'the embedded PostgreSQL to be gone');
    },
    async recover() {
      await waitFor(
        async () => {
          const client = await connect().catch(() => undefined);
          await client?.end();
          return client !== undefined;
        },
        60_000,
        'Kero to start its PostgreSQL again',
      );
    },
  };
}
