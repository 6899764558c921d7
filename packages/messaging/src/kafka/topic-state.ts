import type { Base } from '@platformatic/kafka';

/** What the brokers say of the topic at one moment. */
export interface TopicState {
  /** Kafka's topic id: a topic that is deleted and made anew has another one. */
  readonly id: string;
  readonly partitions: readonly { readonly leader: number; readonly replicas: number; readonly inSync: number }[];
}

/** Asks the brokers (never the client's cache). Undefined: there is no such topic. Rejects when none can be asked. */
export async function readTopicState(client: Base, topic: string): Promise<TopicState | undefined> {
  try {
    const metadata = await client.metadata({ topics: [topic], forceUpdate: true, retries: 0 });
    const found = metadata.topics.get(topic);
    if (!found) return undefined;
    return {
      id: found.id,
      partitions: found.partitions.map(({ leader, replicas, isr }) => ({
        leader,
        replicas: replicas.length,
        inSync: isr.length,
      })),
    };
  } catch (error) {
    if (isUnknownTopic(error)) return undefined;
    throw error;
  }
}

/** The client answers a missing topic with an error of its own that has no code but these words. */
export function isUnknownTopic(error: unknown): boolean {
  return error instanceof Error && /^Unknown topic /.test(error.message);
}

/** Why the partition cannot take records with acks from all in-sync replicas now; undefined when it can. */
export function whyNotWritable(state: TopicState, partition: number, minInSync: number): string | undefined {
  const found = state.partitions[partition];
  if (!found) return `partition ${partition} does not exist`;
  if (found.leader < 0) return `partition ${partition} has no leader`;
  if (found.inSync < minInSync) {
    return `partition ${partition} has ${found.inSync} in-sync replicas and needs ${minInSync}`;
  }
  return undefined;
}
