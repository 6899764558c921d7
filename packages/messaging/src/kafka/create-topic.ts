import { type Logger, sleep } from '@kero/runtime';
import type { Admin } from '@platformatic/kafka';
import { messagingError } from '../messaging-errors.ts';
import type { KafkaConfig } from '../messaging-settings.ts';
import { BATCH_OVERHEAD_BYTES } from './check-topic.ts';
import { brokerErrors, reasonOf } from './kafka-errors.ts';
import { readTopicState, type TopicState } from './topic-state.ts';

/** Kafka's default of max.message.bytes. */
const DEFAULT_MAX_MESSAGE_BYTES = 1_048_588;
const READ_TRIES = 40;
const READ_PAUSE_MS = 100;

/**
 * Creates the missing topic as the configuration says, and waits until the brokers know it. Another process that creates it
 * in the same moment is no problem. Throws KeroError `topic_missing` when it must not or cannot be created.
 */
export async function createTopic(admin: Admin, config: KafkaConfig, logger: Logger): Promise<TopicState> {
  const { topic, createTopic: wanted, maxRecordBytes } = config;
  if (!wanted) throw messagingError('topic_missing', `the topic ${topic} does not exist`);
  const { partitions, replication } = wanted;
  const needed = maxRecordBytes + BATCH_OVERHEAD_BYTES;
  const configs = [{ name: 'min.insync.replicas', value: String(Math.max(1, replication - 1)) }];
  if (needed > DEFAULT_MAX_MESSAGE_BYTES) configs.push({ name: 'max.message.bytes', value: String(needed) });
  try {
    await admin.createTopics({ topics: [topic], partitions, replicas: replication, configs });
    logger.info({ topic, partitions, replication }, 'created the topic');
  } catch (error) {
    const names = brokerErrors(error);
    if (names.size === 0) throw error;
    if (!names.has('TOPIC_ALREADY_EXISTS')) {
      const message = `the topic ${topic} does not exist and could not be created: ${reasonOf(error)}`;
      throw messagingError('topic_missing', message, {
        cause: error,
        remedy:
          'Check KAFKA_TOPIC_REPLICATION against the number of brokers and the rights of this client, or create it.',
      });
    }
  }
  for (let tries = 0; tries < READ_TRIES; tries++) {
    const state = await readTopicState(admin, topic);
    if (state?.partitions.length && state.partitions.every(({ leader }) => leader >= 0)) return state;
    await sleep(READ_PAUSE_MS);
  }
  throw new Error(`the brokers do not know the new topic ${topic} yet`);
}
