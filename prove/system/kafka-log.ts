import { Admin } from '@platformatic/kafka';
import { readCommits, readTopic, writeTopic } from '../../test/support/kafka/kafka-console.ts';
import type { CommitSeen, LogUnderTest, StoredRecord } from './system.ts';

export interface KafkaLogOptions {
  readonly bootstrapServers: readonly string[];
  readonly brokers: readonly { host: string; port: number }[];
  readonly topic: string;
  readonly groupId: string;
}

const LATEST = -1n;
const PATIENCE_MS = 5000;
/** A tool that cannot reach the brokers gives up, so that a fault does not hold up the schedule. */
const TOOL_PATIENCE = {
  'max.block.ms': '8000',
  'request.timeout.ms': '4000',
  'delivery.timeout.ms': '8000',
  'linger.ms': '0',
};

/** The topic, seen by Kafka's own tools; only the progress view during the run asks through an admin client. */
export class KafkaLog implements LogUnderTest, AsyncDisposable {
  readonly description =
    "the topic, read by Kafka's console consumer; commits, all of them, from Kafka's own topic of offsets";
  readonly #options: KafkaLogOptions;
  #admin: Admin | undefined;

  constructor(options: KafkaLogOptions) {
    this.#options = options;
  }

  async progress(): Promise<{ partition: number; committed: number; end: number }[]> {
    this.#admin ??= new Admin({ clientId: 'prover', bootstrapBrokers: [...this.#options.brokers], retries: 2 });
    const admin = this.#admin;
    try {
      return await within(PATIENCE_MS, this.#ask(admin));
    } catch (error) {
      // A client that was confused by a fault is not asked again.
      this.#admin = undefined;
      admin.close().catch(() => {});
      throw error;
    }
  }

  async #ask(admin: Admin): Promise<{ partition: number; committed: number; end: number }[]> {
    const { topic, groupId } = this.#options;
    const metadata = await admin.metadata({ topics: [topic], forceUpdate: true });
    const count = metadata.topics.get(topic)?.partitions.length ?? 0;
    const partitions = Array.from({ length: count }, (_, partitionIndex) => ({ partitionIndex, timestamp: LATEST }));
    const ends = await admin.listOffsets({ topics: [{ name: topic, partitions }] });
    const groups = await admin.listConsumerGroupOffsets({ groups: [groupId] });
    const committed = new Map(
      groups
        .flatMap((group) => group.topics)
        .find(({ name }) => name === topic)
        ?.partitions.map((it) => [it.partitionIndex, Math.max(0, Number(it.committedOffset))]),
    );
    return (ends[0]?.partitions ?? []).map(({ partitionIndex, offset }) => ({
      partition: partitionIndex,
      committed: committed.get(partitionIndex) ?? 0,
      end: Number(offset),
    }));
  }

  async records(): Promise<StoredRecord[]> {
    const progress = await this.progress();
    const count = progress.reduce((sum, { end }) => sum + end, 0);
    const records = await readTopic(this.#options, this.#options.topic, count);
    return records.map(({ partition, offset, key, value, headers }) => ({
      partition,
      offset,
      key: key?.toString('utf8') ?? null,
      value: value?.toString('utf8') ?? null,
      headers: headers.map(([name, bytes]) => [name, bytes?.toString('utf8') ?? null] as const),
    }));
  }

  async commits(): Promise<CommitSeen[]> {
    const { groupId, topic } = this.#options;
    const commits = await readCommits(this.#options, groupId, topic);
    return commits.map(({ partition, offset, committedAt }) => ({ partition, offset, at: committedAt }));
  }

  write(records: readonly { key: string; value: string | null }[]): Promise<void> {
    return writeTopic(this.#options, this.#options.topic, records, TOOL_PATIENCE);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#admin?.close().catch(() => {});
  }
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`no answer within ${ms} ms`)), ms);
  work.catch(() => {});
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
