import type { KafkaCluster } from '../../test/support/kafka/kafka-cluster.ts';
import { createTopic, throwawayTopic } from '../../test/support/kafka/kafka-topics.ts';
import type { BenchPostgres } from '../support/postgres.ts';
import { Program } from '../support/program.ts';
import { PARTITIONS } from '../systems/kero-on-kafka.ts';
import type { System } from '../systems/system.ts';

/** What one writes in an afternoon with good libraries, with a new topic and a new database. */
export async function startNaivePipeline(
  resources: AsyncDisposableStack,
  { kafka, postgres }: { readonly kafka: KafkaCluster; readonly postgres: BenchPostgres },
): Promise<System> {
  const topic = throwawayTopic('naive');
  await createTopic(kafka, topic, { partitions: PARTITIONS });
  const database = await postgres.newDatabase();
  const receiver = Program.start('baseline/naive-receiver.ts', { resources });
  const consumer = Program.start('baseline/naive-consumer.ts', { resources });
  const brokers = [...kafka.bootstrapServers];
  await consumer.call('start', { brokers, topic, server: database.client });
  const port = await receiver.call<number>('listen', { brokers, topic });
  return { port, stored: () => database.count('naive_events') };
}
