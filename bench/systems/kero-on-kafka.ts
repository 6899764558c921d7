import type { KafkaCluster } from '../../test/support/kafka/kafka-cluster.ts';
import { createTopic, throwawayTopic } from '../../test/support/kafka/kafka-topics.ts';
import { freePort, startKero } from '../support/kero-processes.ts';
import type { BenchPostgres } from '../support/postgres.ts';
import type { KeroProcessIds, KeroSystem } from './system.ts';

/** As many as a new topic of Kero has. */
export const PARTITIONS = 6;

export interface KeroOnKafkaOptions {
  readonly kafka: KafkaCluster;
  readonly postgres: BenchPostgres;
  readonly partitions?: number;
}

export interface KeroOnKafka extends KeroSystem {
  /** One more `kero processor`. Resolves when it reads. */
  startProcessor(): Promise<KeroProcessIds>;
}

/** `kero receiver` and `kero processor` with a new topic and a new database. */
export async function startKeroOnKafka(
  resources: AsyncDisposableStack,
  options: KeroOnKafkaOptions,
): Promise<KeroOnKafka> {
  const kero = await startReceiverOnKafka(resources, options);
  const processor = await kero.startProcessor();
  return { ...kero, processes: [...kero.processes, processor] };
}

/** A new topic and a new database, and the settings of Kero with which it uses them. */
export async function newTopicAndDatabase({ kafka, postgres, partitions = PARTITIONS }: KeroOnKafkaOptions) {
  const topic = throwawayTopic('bench');
  await createTopic(kafka, topic, { partitions });
  const database = await postgres.newDatabase();
  const settings = {
    KAFKA_BOOTSTRAP_SERVERS: kafka.bootstrapServers.join(','),
    KAFKA_TOPIC: topic,
    ...database.settings,
  };
  return { database, settings };
}

/** The same without a processor: what is sent waits in the topic. */
export async function startReceiverOnKafka(
  resources: AsyncDisposableStack,
  options: KeroOnKafkaOptions,
): Promise<KeroOnKafka> {
  const { database, settings } = await newTopicAndDatabase(options);
  const start = async (command: 'receiver' | 'processor', more: Readonly<Record<string, string>>) => {
    const adminPort = await freePort();
    const kero = startKero(resources, [command], { ...settings, ...more, ADMIN_PORT: String(adminPort) });
    return { kero, ids: { name: command, pid: kero.child.pid, adminPort } };
  };
  const receiver = await start('receiver', { RECEIVER_PORT: '0' });
  const [, port] = await receiver.kero.printed(/receiver: POST http:\/\/127\.0\.0\.1:(\d+)/);
  return {
    port: Number(port),
    stored: () => database.count('events'),
    processes: [receiver.ids],
    database: database.client,
    rows: database.run,
    startProcessor: async () => {
      const processor = await start('processor', {});
      await processor.kero.printed(/reading from Kafka/);
      return processor.ids;
    },
  };
}
