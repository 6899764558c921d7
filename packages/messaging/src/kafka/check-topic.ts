import type { Logger } from '@kero/runtime';
import { type Admin, ConfigResourceTypes } from '@platformatic/kafka';
import { messagingError } from '../messaging-errors.ts';
import type { KafkaConfig } from '../messaging-settings.ts';
import { brokerErrors, reasonOf } from './kafka-errors.ts';
import type { TopicState } from './topic-state.ts';

/** Room for what Kafka adds to a record and its batch: lengths, offsets, times, and the names of a few headers. */
export const BATCH_OVERHEAD_BYTES = 1024;

/** The settings of a topic that decide whether it keeps what it is given. */
export interface TopicSettings {
  readonly cleanupPolicy: string;
  readonly minInSyncReplicas: number;
  readonly maxMessageBytes: number;
  readonly uncleanLeaderElection: boolean;
}

export interface TopicFindings {
  /** Kero does not start: events would be lost, or refused for ever. */
  readonly refusals: readonly string[];
  /** Kero starts, but an accident that a better topic would survive loses events. */
  readonly warnings: readonly string[];
}

const NOT_ALLOWED = ['TOPIC_AUTHORIZATION_FAILED', 'CLUSTER_AUTHORIZATION_FAILED'];
const NAMES = ['cleanup.policy', 'min.insync.replicas', 'max.message.bytes', 'unclean.leader.election.enable'];

export async function readTopicSettings(admin: Admin, topic: string): Promise<TopicSettings> {
  const [description] = await admin.describeConfigs({
    resources: [{ resourceType: ConfigResourceTypes.TOPIC, resourceName: topic, configurationKeys: NAMES }],
  });
  const value = (name: string) => description?.configs.find((config) => config.name === name)?.value ?? '';
  return {
    cleanupPolicy: value('cleanup.policy'),
    minInSyncReplicas: Number(value('min.insync.replicas')),
    maxMessageBytes: Number(value('max.message.bytes')),
    uncleanLeaderElection: value('unclean.leader.election.enable') === 'true',
  };
}

export function examineTopic(state: TopicState, settings: TopicSettings, maxRecordBytes: number): TopicFindings {
  const refusals: string[] = [];
  const warnings: string[] = [];
  const replication = Math.min(...state.partitions.map(({ replicas }) => replicas));
  const { cleanupPolicy, minInSyncReplicas, maxMessageBytes, uncleanLeaderElection } = settings;
  if (/\bcompact\b/.test(cleanupPolicy)) {
    refusals.push(
      `cleanup.policy is "${cleanupPolicy}": compaction deletes events that have the same user_id as later ones`,
    );
  }
  if (minInSyncReplicas > replication) {
    refusals.push(
      `min.insync.replicas is ${minInSyncReplicas} with ${replication} replicas: it can never be satisfied`,
    );
  }
  if (maxMessageBytes < maxRecordBytes + BATCH_OVERHEAD_BYTES) {
    refusals.push(
      `max.message.bytes is ${maxMessageBytes}: an event as large as EVENTS_MAX_BYTES allows needs ${maxRecordBytes + BATCH_OVERHEAD_BYTES}`,
    );
  }
  if (replication < 3) {
    warnings.push(`the replication factor is ${replication}: with less than 3, one lost broker stops or loses events`);
  }
  if (minInSyncReplicas < 2) {
    warnings.push(
      `min.insync.replicas is ${minInSyncReplicas}: with less than 2, an event can be confirmed that only one broker has`,
    );
  }
  if (uncleanLeaderElection) {
    warnings.push(
      'unclean.leader.election.enable is true: a replica that lacks confirmed events can become the leader',
    );
  }
  return { refusals, warnings };
}

/**
 * Reads the topic's settings and judges them. Throws KeroError `topic_unsafe` with every refusal (and, with `strictTopic`,
 * every warning); otherwise logs the warnings. Undefined: this client may not read the settings, which is a warning too.
 * Rejects with the client's error when the brokers do not answer.
 */
export async function checkTopic(
  admin: Admin,
  state: TopicState,
  config: KafkaConfig,
  logger: Logger,
): Promise<TopicSettings | undefined> {
  const { topic, strictTopic, maxRecordBytes } = config;
  let settings: TopicSettings | undefined;
  let findings: TopicFindings;
  try {
    settings = await readTopicSettings(admin, topic);
    findings = examineTopic(state, settings, maxRecordBytes);
  } catch (error) {
    if (!NOT_ALLOWED.some((name) => brokerErrors(error).has(name))) throw error;
    const warning = `its settings could not be read (the right DescribeConfigs is needed): ${reasonOf(error)}`;
    findings = { refusals: [], warnings: [warning] };
  }
  const refusals = [...findings.refusals, ...(strictTopic ? findings.warnings : [])];
  if (refusals.length > 0) {
    const strict = strictTopic && findings.warnings.length > 0 ? ' (KAFKA_STRICT_TOPIC refuses warnings too)' : '';
    throw messagingError('topic_unsafe', `the topic ${topic} is not safe to use${strict}: ${refusals.join('; ')}`);
  }
  for (const warning of findings.warnings)
    logger.warn({ topic }, `the topic ${topic} is less safe than it could be: ${warning}`);
  return settings;
}
