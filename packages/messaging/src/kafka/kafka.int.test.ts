import { collectingLogger } from '../../../../test/support/kafka/collecting-logger.ts';
import { type KafkaCluster, withKafka } from '../../../../test/support/kafka/kafka-cluster.ts';
import { kafkaConfig } from '../../../../test/support/kafka/kafka-config.ts';
import { createTopic, throwawayTopic } from '../../../../test/support/kafka/kafka-topics.ts';
import { type ContractLog, messagingContract } from '../messaging.contract.ts';
import type { Messaging } from '../messaging.ts';
import { openKafka } from './open-kafka.ts';

await withKafka({ nodes: 1 }, (kafka) => {
  messagingContract('Kafka', () => newLog(kafka));
});

async function newLog(kafka: KafkaCluster): Promise<ContractLog> {
  const topic = throwawayTopic();
  const partitions = 3;
  await createTopic(kafka, topic, { partitions, config: { 'max.message.bytes': '3000000' } });
  const { logger } = collectingLogger();
  const maxRecordBytes = 1024 * 1024;
  return {
    partitions,
    maxRecordBytes,
    open: async () => {
      const messaging = await openKafka(kafkaConfig(kafka, topic, { maxRecordBytes }), { logger });
      // Groups of one broker are shared by all tests, and the client knows none with a space.
      const groupOf = (groupId: string) => `${topic}.${groupId.replaceAll(' ', '-')}`;
      return {
        description: messaging.description,
        producer: () => messaging.producer(),
        consumer: (groupId) => messaging.consumer(groupOf(groupId)),
        lagReader: (groupId) => messaging.lagReader(groupOf(groupId)),
        close: () => messaging.close(),
      } satisfies Messaging;
    },
    ...(kafka.ours && {
      stall: async () => {
        await kafka.kill(0, 'SIGSTOP');
        return { [Symbol.asyncDispose]: () => kafka.kill(0, 'SIGCONT') };
      },
    }),
  };
}
