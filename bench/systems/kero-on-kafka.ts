import type { KafkaCluster } from '../../test/support/kafka/kafka-cluster.ts';
import { createTopic, throwawayTopic } from '../../test/support/kafka/kafka-topics.ts';
import { freePort, startKero } from '../support/kero-processes.ts';
import type { BenchPostgres } from '../support/postgres.ts';
import type { KeroSystem } from './system.ts';

/** As many as a new topic of Kero has. */
export const PARTITIONS = 6;

/** `kero receiver` and `kero processor` with a new topic and a new database. */
export async function startKeroOnKafka(
  resources: AsyncDisposableStack,
  { kafka, postgres }: { readonly kafka: KafkaCluster; readonly postgres: BenchPostgres },
): Promise<KeroSystem> {
  const topic = throwawayTopic('bench');
  await createTopic(kafka, topic, { partitions: PARTITIONS });
  const database = await postgres.newDatabase();
  const settings = {
    KAFKA_BOOTSTRAP_SERVERS: kafka.bootstrapServers.join(','),
    KAFKA_TOPIC: topic,
    ...database.settings,
  };
  const [receiverAdmin, processorAdmin] = [await freePort(), await freePort()];
  const receiver = startKero(resources, ['receiver'], {
    ...settings,
    RECEIVER_PORT: '0',
    ADMIN_PORT: String(receiverAdmin),
  });
  const processor = startKero(resources, ['processor'], { ...settings, ADMIN_PORT: String(processorAdmin) });
  const [, port] = await receiver.printed(/receiver: POST http:\/\/127\.0\.0\.1:(\d+)/);
  await processor.printed(/reading from Kafka/);
  return {
    port: Number(port),
    stored: () => database.count('events'),
    processes: [
      { name: 'receiver', pid: receiver.child.pid, adminPort: receiverAdmin },
      { name: 'processor', pid: processor.child.pid, adminPort: processorAdmin },
    ],
    database: database.client,
    rows: database.run,
  };
}
