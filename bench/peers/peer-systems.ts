import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { KafkaCluster } from '../../test/support/kafka/kafka-cluster.ts';
import { createTopic, throwawayTopic } from '../../test/support/kafka/kafka-topics.ts';
import { watchProcess } from '../../test/support/kero-process.ts';
import { waitUntil } from '../../test/support/wait-until.ts';
import { naturalKeyTable } from '../baseline/natural-key-table.ts';
import { freePort, stopAtEnd } from '../support/kero-processes.ts';
import type { BenchPostgres } from '../support/postgres.ts';
import { PARTITIONS } from '../systems/kero-on-kafka.ts';
import type { System } from '../systems/system.ts';

interface PeerServers {
  readonly kafka: KafkaCluster;
  readonly postgres: BenchPostgres;
}

type Environment = Readonly<Record<string, string>>;

/** FastAPI, aiokafka and asyncpg; with `BENCH_PYTHON`, a Python that has what python/requirements.txt lists. */
export function pythonPeer(): ((own: AsyncDisposableStack, servers: PeerServers) => Promise<System>) | undefined {
  const python = process.env.BENCH_PYTHON;
  if (!python) return undefined;
  return startPeer((own, environment) => {
    run(own, [python, pathOf('python/consumer.py')], environment);
    run(own, [python, pathOf('python/receiver.py')], environment);
  });
}

/** Benthos 4 (before it was renamed); with `BENCH_BENTHOS`, its program. */
export function benthosPeer(): ((own: AsyncDisposableStack, servers: PeerServers) => Promise<System>) | undefined {
  const benthos = process.env.BENCH_BENTHOS;
  if (!benthos) return undefined;
  return startPeer(async (own, environment) => {
    for (const file of ['benthos/processor.yaml', 'benthos/receiver.yaml']) {
      run(own, [benthos, '-c', pathOf(file)], { ...environment, ADMIN_PORT: String(await freePort()) });
    }
  });
}

function startPeer(start: (own: AsyncDisposableStack, environment: Environment) => Promise<void> | void) {
  return async (own: AsyncDisposableStack, { kafka, postgres }: PeerServers): Promise<System> => {
    const topic = throwawayTopic('peer');
    await createTopic(kafka, topic, { partitions: PARTITIONS });
    const database = await postgres.newDatabase();
    await database.run(naturalKeyTable('peer_events'));
    const { host, port: databasePort, user, password, database: name } = database.client;
    const port = await freePort();
    await start(own, {
      BROKERS: kafka.bootstrapServers.join(','),
      TOPIC: topic,
      PORT: String(port),
      DATABASE: `postgres://${user}:${password}@${host}:${databasePort}/${name}?sslmode=disable`,
    });
    await waitUntil(() => isListening(port), { timeoutMs: 60_000, what: () => `a peer to listen on port ${port}` });
    return { port, stored: () => database.count('peer_events') };
  };
}

function run(own: AsyncDisposableStack, [command = '', ...args]: readonly string[], environment: Environment): void {
  const { PATH, HOME } = process.env;
  const child = spawn(command, args, { env: { PATH, HOME, ...environment }, stdio: ['ignore', 'ignore', 'ignore'] });
  stopAtEnd(own, watchProcess(child));
}

async function isListening(port: number): Promise<true | undefined> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return undefined;
  } finally {
    socket.destroy();
  }
}

function pathOf(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}
