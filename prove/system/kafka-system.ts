import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { javaProblem } from '../../test/support/kafka/kafka-jars.ts';
import { createTopic } from '../../test/support/kafka/kafka-topics.ts';
import type { SystemOptions } from './embedded-system.ts';
import { FaultyProxy } from './faulty-proxy.ts';
import { freePorts } from './free-ports.ts';
import { startBrokers } from './kafka-brokers.ts';
import { KafkaLog } from './kafka-log.ts';
import { startOwnPostgres } from './own-postgres.ts';
import { notReady } from './ready.ts';
import { SupervisedProcess } from './supervised-process.ts';
import type { System } from './system.ts';
import { waitFor } from './wait-for.ts';

const run = promisify(execFile);
const RECEIVERS = 2;
const PROCESSORS = 2;
const PARTITIONS = 6;
const TOPIC = 'incoming_events';
const GROUP = 'consumer_group';
const START_TIMEOUT_MS = 90_000;

/**
 * Three Kafka brokers (replication 3, min.insync.replicas 2), a PostgreSQL server, two receivers and two processors, each a
 * process of its own, with a proxy at every edge between them.
 */
export async function startKafkaSystem({ folder, kero }: SystemOptions): Promise<System> {
  const problem = await javaProblem();
  if (problem !== undefined) throw new Error(`no Kafka brokers can be started here: ${problem}`);
  await using starting = new AsyncDisposableStack();
  const cwd = join(folder, 'cwd');
  mkdirSync(cwd, { recursive: true });
  const brokers = starting.use(await startBrokers(folder));
  const postgres = starting.use(await startOwnPostgres(join(folder, 'postgres')));
  await createTopic(brokers, TOPIC, {
    partitions: PARTITIONS,
    replication: 3,
    config: { 'min.insync.replicas': '2' },
  });

  const postgresProxies: FaultyProxy[] = [];
  for (let n = 1; n <= PROCESSORS; n++) {
    const target = () => ({ host: '127.0.0.1', port: postgres.port });
    postgresProxies.push(starting.use(await FaultyProxy.start(`processor ${n} to postgres`, target)));
  }
  const command = (name: string): [string, ...string[]] => [process.execPath, join(kero, 'apps/cli/bin/kero.js'), name];
  const environment = {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    LOG_FORMAT: 'json',
    KAFKA_TOPIC: TOPIC,
    KAFKA_GROUP_ID: GROUP,
    KERO_DATA_DIR: join(folder, 'data'),
    POSTGRES_HOST: '127.0.0.1',
    POSTGRES_DB: postgres.database,
    POSTGRES_USER: postgres.kero.user,
    POSTGRES_PASSWORD: postgres.kero.password,
  };
  const bootstrap = (proxies: readonly FaultyProxy[]) => proxies.map(({ port }) => `127.0.0.1:${port}`).join(',');
  const [program, ...args] = command('migrate');
  await run(program, args, { cwd, env: { ...environment, POSTGRES_PORT: String(postgres.port) } });

  const ports = await freePorts(2 * RECEIVERS + PROCESSORS + 1);
  const receiverPorts = ports.slice(0, RECEIVERS);
  const processorPorts = ports.slice(2 * RECEIVERS, -1);
  const receivers = receiverPorts.map(
    (port, n) =>
      new SupervisedProcess({
        name: `receiver ${n + 1}`,
        command: command('receiver'),
        environment: {
          ...environment,
          KAFKA_BOOTSTRAP_SERVERS: bootstrap(brokers.proxies.RECEIVER),
          RECEIVER_PORT: String(port),
          ADMIN_PORT: String(ports[RECEIVERS + n]),
        },
        cwd,
        logFile: join(folder, `receiver-${n + 1}.log`),
      }),
  );
  const processor = (name: string, { adminPort, postgresPort }: Record<'adminPort' | 'postgresPort', number>) =>
    new SupervisedProcess({
      name,
      command: command('processor'),
      environment: {
        ...environment,
        KAFKA_BOOTSTRAP_SERVERS: bootstrap(brokers.proxies.PROCESSOR),
        POSTGRES_PORT: String(postgresPort),
        ADMIN_PORT: String(adminPort),
      },
      cwd,
      logFile: join(folder, `${name.replace(' ', '-')}.log`),
    });
  const processors = processorPorts.map((adminPort, n) =>
    processor(`processor ${n + 1}`, { adminPort, postgresPort: postgresProxies[n]?.port ?? 0 }),
  );
  const spare = processor('spare processor', { adminPort: ports.at(-1) ?? 0, postgresPort: postgres.port });
  const processes = [...receivers, ...processors, spare];
  starting.defer(async () => {
    await Promise.all(processes.map((it) => it.close()));
  });
  for (const it of [...receivers, ...processors]) it.start();

  const clientProxies: FaultyProxy[] = [];
  for (const [n, port] of receiverPorts.entries()) {
    const target = () => ({ host: '127.0.0.1', port });
    clientProxies.push(starting.use(await FaultyProxy.start(`client to receiver ${n + 1}`, target)));
  }
  const readiness = async () => {
    const reasons = await Promise.all([
      ...receiverPorts.map((port, n) => notReady(`receiver ${n + 1}`, `http://127.0.0.1:${port}/health/ready`)),
      ...processorPorts.map((port, n) => notReady(`processor ${n + 1}`, `http://127.0.0.1:${port}/health/ready`)),
    ]);
    const found = reasons.filter((reason) => reason !== undefined);
    return { ready: found.length === 0, reasons: found };
  };
  await waitFor(async () => (await readiness()).ready, START_TIMEOUT_MS, 'receivers and processors to be ready');
  const log = starting.use(new KafkaLog({ ...brokers, topic: TOPIC, groupId: GROUP }));

  const resources = starting.move();
  return {
    kind: 'kafka',
    description: [
      `3 brokers (replication 3, min.insync.replicas 2, ${PARTITIONS} partitions), PostgreSQL, ${RECEIVERS} receivers, ${PROCESSORS} processors`,
      'a proxy at each edge: client-receiver, receiver-broker, processor-broker, broker-broker, processor-postgres',
      `log: ${log.description}`,
    ],
    receivers: clientProxies.map(({ port }, n) => ({ name: `receiver ${n + 1}`, url: `http://127.0.0.1:${port}` })),
    processes,
    spareProcessor: spare,
    postgres,
    log,
    brokers,
    edges: {
      'client-receiver': clientProxies,
      'receiver-broker': brokers.proxies.RECEIVER,
      'processor-broker': brokers.proxies.PROCESSOR,
      'broker-broker': brokers.proxies.BROKER,
      'processor-postgres': postgresProxies,
    },
    readiness,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
