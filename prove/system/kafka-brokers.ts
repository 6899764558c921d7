import { join } from 'node:path';
import { kafkaClassPath } from '../../test/support/kafka/kafka-jars.ts';
import { KafkaNode, newClusterId } from '../../test/support/kafka/kafka-node.ts';
import { FaultyProxy } from './faulty-proxy.ts';
import { freePorts } from './free-ports.ts';
import type { BrokersUnderTest } from './system.ts';

/** Who talks to the brokers over a network of its own. The prover's tools have one without faults. */
const LISTENERS = ['RECEIVER', 'PROCESSOR', 'BROKER'] as const;
type Listener = (typeof LISTENERS)[number];

export interface KafkaBrokers extends BrokersUnderTest, AsyncDisposable {
  /** Past every proxy: for the prover alone. */
  readonly bootstrapServers: readonly string[];
  readonly brokers: readonly { host: string; port: number }[];
  /** By listener: a proxy in front of each broker, which is the only address of it that this listener's clients learn. */
  readonly proxies: Readonly<Record<Listener, readonly FaultyProxy[]>>;
}

/**
 * Three combined nodes. Each has a listener for the receivers, one for the processors and one for the other brokers, and
 * advertises for each the address of a proxy, so that a client which has found the cluster still only talks through proxies.
 */
export async function startBrokers(folder: string): Promise<KafkaBrokers> {
  await using starting = new AsyncDisposableStack();
  const classPath = await kafkaClassPath();
  const clusterId = newClusterId();
  const count = 3;
  const perNode = 2 + LISTENERS.length;
  const ports = await freePorts(count * perNode);
  const portsOf = (index: number) => ports.slice(index * perNode, (index + 1) * perNode);
  const voters = Array.from({ length: count }, (_, index) => `${index + 1}@127.0.0.1:${portsOf(index)[1]}`);

  const proxies: Record<Listener, FaultyProxy[]> = { RECEIVER: [], PROCESSOR: [], BROKER: [] };
  const nodes: KafkaNode[] = [];
  for (let index = 0; index < count; index++) {
    const [clientPort = 0, controllerPort = 0, ...own] = portsOf(index);
    const listeners = [`PLAINTEXT://127.0.0.1:${clientPort}`, `CONTROLLER://127.0.0.1:${controllerPort}`];
    const advertised = [`PLAINTEXT://127.0.0.1:${clientPort}`];
    for (const [n, listener] of LISTENERS.entries()) {
      const port = own[n] ?? 0;
      const name = `${listener.toLowerCase()} to broker ${index + 1}`;
      const proxy = starting.use(await FaultyProxy.start(name, () => ({ host: '127.0.0.1', port })));
      proxies[listener].push(proxy);
      listeners.push(`${listener}://127.0.0.1:${port}`);
      advertised.push(`${listener}://127.0.0.1:${proxy.port}`);
    }
    const config = {
      listeners: listeners.join(','),
      'advertised.listeners': advertised.join(','),
      'listener.security.protocol.map': ['PLAINTEXT', 'CONTROLLER', ...LISTENERS]
        .map((name) => `${name}:PLAINTEXT`)
        .join(','),
      'inter.broker.listener.name': 'BROKER',
    };
    const directory = join(folder, `broker-${index + 1}`);
    const logFile = join(folder, `broker-${index + 1}.log`);
    nodes.push(
      new KafkaNode({
        classPath,
        clusterId,
        id: index + 1,
        directory,
        clientPort,
        controllerPort,
        voters,
        config,
        logFile,
      }),
    );
  }
  starting.defer(async () => {
    await Promise.all(nodes.map((node) => node.kill('SIGKILL')));
  });
  await Promise.all(nodes.map((node) => node.format()));
  await Promise.all(nodes.map((node) => node.start()));
  await Promise.all(nodes.map((node) => node.ready()));

  const nodeAt = (index: number): KafkaNode => {
    const node = nodes[index];
    if (!node) throw new Error(`no broker ${index}`);
    return node;
  };
  const resources = starting.move();
  return {
    count,
    bootstrapServers: nodes.map(({ address }) => address),
    brokers: Array.from({ length: count }, (_, index) => ({ host: '127.0.0.1', port: portsOf(index)[0] ?? 0 })),
    proxies,
    kill: (node, signal) => nodeAt(node).kill(signal),
    async start(node) {
      await nodeAt(node).start();
      // On a busy machine one look of a minute is not always enough.
      await nodeAt(node)
        .ready()
        .catch(() => nodeAt(node).ready());
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
