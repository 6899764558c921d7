import { withDeadline } from '@kero/runtime';
import { Consumer, ProtocolError } from '@platformatic/kafka';
import type { LagReader, PartitionLag } from '../messaging.ts';
import { messagingError } from '../messaging-errors.ts';
import { DataError } from './byte-cursor.ts';
import { type Connection, clientOptions } from './client-options.ts';
import { decodePartition } from './decode-fetch.ts';
import { FetchCalls } from './fetch-call.ts';
import { reasonOf } from './kafka-errors.ts';

const READ_DEADLINE_MS = 10_000;
const EARLIEST = -2n;
const LATEST = -1n;
/** What open transactions hold back is not waiting for us. */
const READ_COMMITTED = 1;

export interface KafkaLagReaderOptions {
  readonly connection: Connection;
  readonly topic: string;
  readonly groupId: string;
}

/**
 * Asks the brokers how far the group has come, with a client of its own that never joins: what it says does not depend on
 * any member. After a failure the next call has a new client that begins at another broker.
 */
export class KafkaLagReader implements LagReader {
  readonly #options: KafkaLagReaderOptions;
  readonly #calls = new FetchCalls();
  /** When the record was taken at which a partition stood the last time: while it stands there, nothing is fetched. */
  readonly #oldest = new Map<number, { readonly place: string; readonly atMs: number | undefined }>();
  #client: Consumer | undefined;
  #rotation = 0;
  #closed = false;

  constructor(options: KafkaLagReaderOptions) {
    this.#options = options;
  }

  async read(): Promise<readonly PartitionLag[]> {
    const { topic, groupId } = this.#options;
    if (this.#closed) throw messagingError('log_closed', 'the reader of the lag is closed');
    this.#client ??= this.#newClient();
    const late = () => messagingError('log_unavailable', `no answer within ${READ_DEADLINE_MS} ms`);
    try {
      return await withDeadline(this.#ask(this.#client), READ_DEADLINE_MS, late);
    } catch (cause) {
      this.#rotation++;
      void this.#dropClient();
      const message = `cannot ask how far the group ${groupId} has come in ${topic}: ${reasonOf(cause)}`;
      throw messagingError('log_unavailable', message, { cause });
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#dropClient();
  }

  async #ask(client: Consumer): Promise<PartitionLag[]> {
    const { topic } = this.#options;
    const metadata = await client.metadata({ topics: [topic], forceUpdate: true });
    const found = metadata.topics.get(topic);
    if (!found) throw messagingError('topic_missing', `the topic ${topic} does not exist`);
    const partitions = [...found.partitions.keys()];
    const list = async (timestamp: bigint) => {
      const wanted = { topics: [topic], partitions: { [topic]: partitions }, timestamp };
      return (await client.listOffsets(wanted)).get(topic) ?? [];
    };
    const [starts, ends] = [await list(EARLIEST), await list(LATEST)];
    // Indexed by partition number, with holes.
    const committed = (await client.listCommittedOffsets({ topics: [{ topic, partitions }] })).get(topic) ?? [];
    const lags: PartitionLag[] = [];
    for (const partition of partitions) {
      const [logStart, logEnd] = [starts[partition], ends[partition]];
      if (logStart === undefined || logEnd === undefined)
        throw new Error(`the brokers left out partition ${partition}`);
      const offset = committed[partition] ?? -1n;
      const position = { partition, logStart, logEnd, committed: offset >= 0n ? offset : undefined };
      const next = offset > logStart ? offset : logStart;
      const leader = found.partitions[partition]?.leader ?? -1;
      const oldestWaitingMs =
        next < logEnd ? await this.#timeOf(client, { topicId: found.id, partition, offset: next, leader }) : undefined;
      lags.push({ ...position, oldestWaitingMs });
    }
    return lags;
  }

  async #timeOf(
    client: Consumer,
    { topicId, partition, offset, leader }: { topicId: string; partition: number; offset: bigint; leader: number },
  ): Promise<number | undefined> {
    const place = `${topicId} ${offset}`;
    const known = this.#oldest.get(partition);
    if (known?.place === place) return known.atMs;
    const [answer] = await this.#calls.fetch(client, leader, {
      topic: this.#options.topic,
      topicId,
      // A broker sends at least one whole batch, however small the limit.
      partitions: [{ partition, position: offset, maxBytes: 1 }],
      maxBytes: 1,
      maxWaitMs: 100,
    });
    if (!answer) throw new Error(`the broker ${leader} left out partition ${partition}`);
    if (answer.errorCode !== 0) throw new ProtocolError(answer.errorCode);
    const { runs, damage } = decodePartition(answer, offset);
    if (damage !== undefined) throw new DataError(damage);
    const atMs = runs[0]?.take().timestampMs;
    this.#oldest.set(partition, { place, atMs });
    return atMs;
  }

  async #dropClient(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.close(true).catch(() => {});
  }

  #newClient(): Consumer {
    const { connection, topic, groupId } = this.#options;
    const client = new Consumer({
      ...clientOptions(connection, 'lag', this.#rotation),
      groupId,
      autocommit: false,
      isolationLevel: READ_COMMITTED,
      retries: 1,
      retryDelay: 250,
      connectTimeout: 2000,
      requestTimeout: 4000,
    });
    client.topics.track(topic);
    client.on('error', () => {});
    return client;
  }
}
