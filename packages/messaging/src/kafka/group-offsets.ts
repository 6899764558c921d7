import type { Consumer } from '@platformatic/kafka';
import type { Connection } from './client-options.ts';
import { brokerErrors } from './kafka-errors.ts';
import { RotatingClient } from './rotating-client.ts';

/** Which member of which generation of the group claims something. */
export interface Generation {
  readonly memberId: string;
  readonly generationId: number;
}

/** Where to begin to read. */
export interface StartOffsets {
  /** Kafka's topic id. */
  readonly logId: string;
  readonly offsets: ReadonlyMap<number, bigint>;
}

export type CommitResult =
  | 'committed'
  /** The group is being shared anew: the next generation begins soon. */
  | 'rebalancing'
  /** The group goes on without this member. */
  | 'fenced'
  /** The topic was deleted and made anew: the offsets say nothing about it. */
  | 'topic_changed';

/**
 * What the group has committed. It is a client of its own that never joins and never retries: a client that may join, does
 * so by itself when its generation is over, and sends old offsets under the new generation; this one is refused then.
 */
export class GroupOffsets {
  readonly #topic: string;
  readonly #client: RotatingClient;

  constructor(connection: Connection, topic: string, groupId: string, rotation: number) {
    this.#topic = topic;
    this.#client = new RotatingClient({ connection, role: 'committer', groupId, topic, rotation });
  }

  /** The committed offset of each partition, or the earliest one where nothing was committed. */
  async startOffsets(partitions: readonly number[]): Promise<StartOffsets> {
    return this.#client.use(async (client) => {
      const topic = this.#topic;
      const metadata = await client.metadata({ topics: [topic], forceUpdate: true });
      const logId = metadata.topics.get(topic)?.id ?? '';
      const offsets = new Map<number, bigint>();
      if (partitions.length === 0) return { logId, offsets };
      const listed = await client.listCommittedOffsets({ topics: [{ topic, partitions: [...partitions] }] });
      // Indexed by partition number, with holes.
      const committed = listed.get(topic) ?? [];
      const missing: number[] = [];
      for (const partition of partitions) {
        const offset = committed[partition] ?? -1n;
        if (offset >= 0n) offsets.set(partition, offset);
        else missing.push(partition);
      }
      for (const [partition, { earliest }] of await this.#range(client, missing)) offsets.set(partition, earliest);
      return { logId, offsets };
    });
  }

  /** The first offset that is still there, and the one after the last. */
  async range(partition: number): Promise<{ earliest: bigint; latest: bigint } | undefined> {
    return this.#client.use(async (client) => (await this.#range(client, [partition])).get(partition));
  }

  async #range(
    client: Consumer,
    partitions: readonly number[],
  ): Promise<Map<number, { earliest: bigint; latest: bigint }>> {
    const range = new Map<number, { earliest: bigint; latest: bigint }>();
    if (partitions.length === 0) return range;
    const topics = [this.#topic];
    const only = { [this.#topic]: [...partitions] };
    const list = async (timestamp: bigint) =>
      (await client.listOffsets({ topics, partitions: only, timestamp })).get(this.#topic) ?? [];
    const earliest = await list(-2n);
    const latest = await list(-1n);
    for (const partition of partitions) {
      const first = earliest[partition];
      const end = latest[partition];
      if (first === undefined || end === undefined) throw new Error(`the brokers left out partition ${partition}`);
      range.set(partition, { earliest: first, latest: end });
    }
    return range;
  }

  /**
   * Rejects when the outcome is unknown: try again. The topic's id is looked at first, because a commit only names the topic:
   * in one that was made anew it would skip the records below it.
   */
  async commit(generation: Generation, logId: string, offsets: ReadonlyMap<number, bigint>): Promise<CommitResult> {
    return this.#client.use(async (client) => {
      const metadata = await client.metadata({ topics: [this.#topic], forceUpdate: true });
      if (metadata.topics.get(this.#topic)?.id !== logId) return 'topic_changed';
      client.memberId = generation.memberId;
      client.generationId = generation.generationId;
      try {
        await client.commit({
          offsets: [...offsets].map(([partition, offset]) => ({
            topic: this.#topic,
            partition,
            offset,
            leaderEpoch: -1,
          })),
        });
        return 'committed';
      } catch (error) {
        const names = brokerErrors(error);
        if (names.has('ILLEGAL_GENERATION') || names.has('UNKNOWN_MEMBER_ID')) return 'fenced';
        if (names.has('REBALANCE_IN_PROGRESS')) return 'rebalancing';
        throw error;
      }
    });
  }

  async close(): Promise<void> {
    await this.#client.close();
  }
}
