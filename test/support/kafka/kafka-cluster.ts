import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { after, test } from 'node:test';
import { javaProblem, kafkaClassPath } from './kafka-jars.ts';
import { type KafkaListener, KafkaNode, newClusterId } from './kafka-node.ts';

export interface KafkaCluster extends AsyncDisposable {
  /** `host:port`, in the order of the nodes. */
  readonly bootstrapServers: readonly string[];
  /** Of a listener other than the plain one. */
  bootstrapServersOf(listener: string): readonly string[];
  /** The plain ones, as the driver's configuration takes it. */
  readonly brokers: readonly { host: string; port: number }[];
  /** Whether its nodes can be killed and started: not those of TEST_KAFKA_BOOTSTRAP_SERVERS. */
  readonly ours: boolean;
  /** Nodes count from 0. SIGKILL and SIGTERM resolve when the node is gone. */
  kill(node: number, signal: NodeJS.Signals): Promise<void>;
  /** Starts a killed node on its old data and waits until it listens. */
  start(node: number): Promise<void>;
  /** The folder where a node keeps its partitions, `TOPIC-PARTITION` each. */
  dataFolder(node: number): string;
  /** Ends the nodes and removes their data. Idempotent. */
  close(): Promise<void>;
}

export interface KafkaClusterOptions {
  readonly nodes: 1 | 3;
  /** Settings of the brokers (server.properties). */
  readonly config?: Readonly<Record<string, string>>;
  /** Listeners beside the plain one, on free ports. */
  readonly listeners?: readonly Omit<KafkaListener, 'port'>[];
  /** Further arguments of `kafka-storage format`. */
  readonly formatArguments?: readonly string[];
  /** Options of the brokers' Java in place of those that make them small and quick to start. */
  readonly java?: readonly string[];
}

/** Whether tests with a real Kafka can run here, else the reason. */
export async function kafkaAvailability(): Promise<{ available: true } | { available: false; reason: string }> {
  if (process.env.TEST_KAFKA_BOOTSTRAP_SERVERS) return { available: true };
  const problem = await javaProblem();
  return problem === undefined ? { available: true } : { available: false, reason: problem };
}

/**
 * Registers tests that share one Kafka, which ends after them. Where none can be had they are one skipped test that says
 * why; with CI=true the test runner turns skips into failures. `ownNodes` is for tests that stop brokers.
 */
export async function withKafka(
  options: KafkaClusterOptions & { readonly ownNodes?: boolean },
  register: (kafka: KafkaCluster) => void,
): Promise<void> {
  const given = process.env.TEST_KAFKA_BOOTSTRAP_SERVERS;
  const found = await kafkaAvailability();
  if (!found.available) {
    test('tests on a real Kafka', { skip: found.reason }, () => {});
  } else if (given && options.ownNodes) {
    const reason = 'stop brokers, which is not done to those of TEST_KAFKA_BOOTSTRAP_SERVERS';
    test('tests that stop brokers', { skip: reason }, () => {});
  } else {
    const kafka = await startKafka(options);
    after(() => kafka.close());
    register(kafka);
  }
}

/** Real brokers: those of TEST_KAFKA_BOOTSTRAP_SERVERS, else 1 or 3 new ones on free ports. They end with this process. */
export async function startKafka(options: KafkaClusterOptions): Promise<KafkaCluster> {
  const given = process.env.TEST_KAFKA_BOOTSTRAP_SERVERS;
  return given ? givenCluster(given.split(',').map((address) => address.trim())) : startNodes(options);
}

function givenCluster(addresses: string[]): KafkaCluster {
  const refuse = () => Promise.reject(new Error('brokers of TEST_KAFKA_BOOTSTRAP_SERVERS are not stopped by tests'));
  return cluster(addresses, {
    ours: false,
    kill: refuse,
    start: refuse,
    bootstrapServersOf: () => {
      throw new Error('only the plain listener of TEST_KAFKA_BOOTSTRAP_SERVERS is known');
    },
    dataFolder: () => {
      throw new Error('the data of brokers of TEST_KAFKA_BOOTSTRAP_SERVERS is not touched by tests');
    },
    close: async () => {},
  });
}

async function startNodes({
  nodes: count,
  config = {},
  listeners = [],
  formatArguments = [],
  java,
}: KafkaClusterOptions): Promise<KafkaCluster> {
  const classPath = await kafkaClassPath();
  const directory = await mkdtemp(join(tmpdir(), 'kero-kafka-'));
  const ports = await freePorts(count * (2 + listeners.length));
  const portsOf = (index: number) => {
    const [clientPort = 0, controllerPort = 0, ...others] = ports.slice(index * (2 + listeners.length));
    return {
      clientPort,
      controllerPort,
      listeners: listeners.map((listener, n) => ({ ...listener, port: others[n] ?? 0 })),
    };
  };
  const indexes = Array.from({ length: count }, (_, index) => index);
  const voters = indexes.map((index) => `${index + 1}@127.0.0.1:${portsOf(index).controllerPort}`);
  const clusterId = newClusterId();
  const nodes = indexes.map(
    (index) =>
      new KafkaNode({
        classPath,
        clusterId,
        id: index + 1,
        directory: join(directory, `node-${index + 1}`),
        ...portsOf(index),
        voters,
        formatArguments,
        config,
        java,
      }),
  );
  const nodeAt = (index: number) => {
    const node = nodes[index];
    if (!node) throw new Error(`no node ${index}`);
    return node;
  };
  let closing: Promise<void> | undefined;
  const close = async () => {
    await Promise.all(nodes.map((node) => node.kill('SIGKILL')));
    await rm(directory, { recursive: true, force: true });
  };
  const started = cluster(
    nodes.map((node) => node.address),
    {
      ours: true,
      kill: (index, signal) => nodeAt(index).kill(signal),
      start: async (index) => {
        await nodeAt(index).start();
        await nodeAt(index).ready();
      },
      bootstrapServersOf: (name) =>
        indexes.flatMap((index) =>
          portsOf(index)
            .listeners.filter((listener) => listener.name === name)
            .map(({ host, port }) => `${host}:${port}`),
        ),
      dataFolder: (index) => nodeAt(index).dataFolder,
      close: () => {
        closing ??= close();
        return closing;
      },
    },
  );
  try {
    await Promise.all(nodes.map((node) => node.format()));
    await Promise.all(nodes.map((node) => node.start()));
    await Promise.all(nodes.map((node) => node.ready()));
  } catch (error) {
    await started.close();
    throw error;
  }
  return started;
}

function cluster(
  addresses: readonly string[],
  rest: Pick<KafkaCluster, 'ours' | 'bootstrapServersOf' | 'kill' | 'start' | 'dataFolder' | 'close'>,
): KafkaCluster {
  const brokers = addresses.map((address) => {
    const colon = address.lastIndexOf(':');
    return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
  });
  return { bootstrapServers: addresses, brokers, ...rest, [Symbol.asyncDispose]: () => rest.close() };
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject);
          server.listen(0, '127.0.0.1', () => {
            const address = server.address();
            resolve(typeof address === 'object' && address ? address.port : 0);
          });
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
