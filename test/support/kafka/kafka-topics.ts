import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  Admin,
  ConfigResourceTypes,
  FindCoordinatorKeyTypes,
  IncrementalAlterConfigOperationTypes,
} from '@platformatic/kafka';
import type { KafkaCluster } from './kafka-cluster.ts';

type Brokers = Pick<KafkaCluster, 'brokers'>;

/** A topic name that no other test uses. */
export function throwawayTopic(prefix = 'test'): string {
  return `${prefix}-${randomUUID()}`;
}

export interface TopicOptions {
  readonly partitions: number;
  /** Replication factor; by default as many as the cluster has brokers, at most 3. */
  readonly replication?: number;
  /** Settings of the topic, e.g. `{ 'cleanup.policy': 'compact' }`. */
  readonly config?: Readonly<Record<string, string>>;
}

/** Runs `work` with an admin client of the cluster that is closed afterwards. */
export async function withAdmin<T>(kafka: Brokers, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = new Admin({ clientId: 'kero-test-admin', bootstrapBrokers: [...kafka.brokers], retries: 10 });
  try {
    return await work(admin);
  } finally {
    await admin.close();
  }
}

/** Creates the topic and waits until every partition has a leader. */
export async function createTopic(kafka: Brokers, topic: string, options: TopicOptions): Promise<void> {
  const configs = Object.entries(options.config ?? {}).map(([name, value]) => ({ name, value }));
  await withAdmin(kafka, async (admin) => {
    await admin.createTopics({
      topics: [topic],
      partitions: options.partitions,
      replicas: options.replication ?? Math.min(3, kafka.brokers.length),
      configs,
    });
    for (;;) {
      const found = await admin.metadata({ topics: [topic], forceUpdate: true }).catch(() => undefined);
      const partitions = found?.topics.get(topic)?.partitions ?? [];
      if (partitions.length === options.partitions && partitions.every(({ leader }) => leader >= 0)) return;
      await delay(50);
    }
  });
}

/** The brokers follow a moment later. */
export async function setTopicConfig(kafka: Brokers, topic: string, name: string, value: string): Promise<void> {
  const configs = [{ name, configOperation: IncrementalAlterConfigOperationTypes.SET, value }];
  await withAdmin(kafka, (admin) =>
    admin.incrementalAlterConfigs({
      resources: [{ resourceType: ConfigResourceTypes.TOPIC, resourceName: topic, configs }],
    }),
  );
}

export async function deleteTopic(kafka: Brokers, topic: string): Promise<void> {
  await withAdmin(kafka, (admin) => admin.deleteTopics({ topics: [topic] }));
}

/** What the group has committed, as the brokers know it; -1n where nothing was. */
export async function committedOffsets(kafka: Brokers, groupId: string, topic: string): Promise<Map<number, bigint>> {
  const groups = await withAdmin(kafka, (admin) => admin.listConsumerGroupOffsets({ groups: [groupId] }));
  const found = groups.flatMap((group) => group.topics).find(({ name }) => name === topic);
  return new Map(found?.partitions.map(({ partitionIndex, committedOffset }) => [partitionIndex, committedOffset]));
}

/** Which node (counted from 0) coordinates the group. */
export async function coordinatorOf(kafka: KafkaCluster, groupId: string): Promise<number> {
  const [found] = await withAdmin(kafka, (admin) =>
    admin.findCoordinator({ keyType: FindCoordinatorKeyTypes.GROUP, keys: [groupId] }),
  );
  if (!found) throw new Error(`no broker knows the coordinator of ${groupId}`);
  return found.nodeId - 1;
}
