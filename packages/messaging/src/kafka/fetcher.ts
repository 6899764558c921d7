import { type Logger, sleep, withDeadline } from '@kero/runtime';
import { Consumer, ResponseError } from '@platformatic/kafka';
import { type Connection, clientOptions } from './client-options.ts';
import { decodePartition, type FetchResponse } from './decode-fetch.ts';
import type { Epoch } from './epoch.ts';
import { reasonOf } from './kafka-errors.ts';
import type { PartitionReader } from './partition-reader.ts';

const FETCH_BYTES = 2 * 1024 * 1024;
const PARTITION_BYTES = 1024 * 1024;
/** How long a broker waits for a first record. */
const WAIT_MS = 500;
/** The same while a partition is left out because enough of it is buffered: it must not wait for the others. */
const SHORT_WAIT_MS = 20;
const REQUEST_TIMEOUT_MS = 5000;
/** Connecting, authenticating and the request have failed long before; a fetch that has not, never will. */
const FETCH_DEADLINE_MS = 20_000;
const ERROR_PAUSE_MS = 200;
const OFFSET_OUT_OF_RANGE = 1;
const READ_COMMITTED = 1;

export interface FetcherOptions {
  readonly connection: Connection;
  readonly topic: string;
  readonly groupId: string;
  readonly rotation: number;
  readonly logger: Logger;
  readonly onRecords: () => void;
  /** The broker has nothing at the reader's position: too low, or beyond the end. */
  readonly onOutOfRange: (epoch: Epoch, reader: PartitionReader) => Promise<void>;
  /** A fetch neither succeeded nor failed: this fetcher is of no more use. */
  readonly onHung: () => void;
  /** The topic was deleted and made anew. */
  readonly onTopicChanged: (epoch: Epoch) => void;
}

/**
 * Fetches for the current epoch with one client that does nothing else (a fetch that waits holds up everything behind it on
 * its connection): for each broker one fetch at a time, also across epochs, of the partitions that it leads and that want
 * more. An answer of an epoch that has ended is dropped.
 */
export class Fetcher {
  readonly #options: FetcherOptions;
  readonly #client: Consumer;
  readonly #closing = new AbortController();
  readonly #busyBrokers = new Set<number>();
  #epoch: Epoch | undefined;
  #planning = false;
  #planAgain = false;
  #refreshMetadata = false;
  #answeredAt = performance.now();

  constructor(options: FetcherOptions) {
    this.#options = options;
    this.#client = new Consumer({
      ...clientOptions(options.connection, 'fetcher', options.rotation),
      groupId: `${options.groupId}.fetch`,
      autocommit: false,
      retries: 0,
      connectTimeout: 2000,
      requestTimeout: REQUEST_TIMEOUT_MS,
    });
    this.#client.topics.track(options.topic);
    this.#client.on('error', () => {});
  }

  /** Fetches for this epoch from now on; undefined: for none. */
  follow(epoch: Epoch | undefined): void {
    this.#epoch = epoch;
    this.#answeredAt = performance.now();
    this.pump();
  }

  /** How long the brokers have not answered although something is wanted. */
  get silentMs(): number {
    const wanting = [...(this.#epoch?.readers.values() ?? [])].some((reader) => reader.isWanting);
    if (!wanting) this.#answeredAt = performance.now();
    return performance.now() - this.#answeredAt;
  }

  /** Starts the fetches that are due; to be called whenever a partition may want more. */
  pump(): void {
    if (this.#planning) this.#planAgain = true;
    else void this.#plan();
  }

  async close(): Promise<void> {
    this.#epoch = undefined;
    this.#closing.abort();
    await this.#client.close(true).catch(() => {});
  }

  async #plan(): Promise<void> {
    this.#planning = true;
    do {
      this.#planAgain = false;
      const epoch = this.#epoch;
      if (!epoch || this.#closing.signal.aborted) break;
      try {
        await this.#startFetches(epoch);
      } catch (error) {
        await this.#pauseAfter(error);
        this.#planAgain = true;
      }
    } while (this.#planAgain);
    this.#planning = false;
  }

  async #startFetches(epoch: Epoch): Promise<void> {
    const wanting = [...epoch.readers.values()].filter((reader) => reader.isWanting);
    if (wanting.length === 0) return;
    const { topic, onTopicChanged } = this.#options;
    const forceUpdate = this.#refreshMetadata;
    const metadata = await this.#client.metadata({ topics: [topic], forceUpdate });
    this.#refreshMetadata &&= !forceUpdate;
    const found = metadata.topics.get(topic);
    if (!found || epoch !== this.#epoch) return;
    if (found.id !== epoch.logId) {
      // Ours may be the older knowledge.
      if (forceUpdate) return onTopicChanged(epoch);
      this.#refreshMetadata = true;
      this.#planAgain = true;
      return;
    }
    const byBroker = new Map<number, PartitionReader[]>();
    for (const reader of wanting) {
      const leader = found.partitions[reader.partition]?.leader ?? -1;
      if (leader < 0) {
        // No leader now. The pause of a failed fetch asks again; without other partitions nothing else would.
        if (!this.#busyBrokers.has(-1)) void this.#waitForLeader();
      } else if (!this.#busyBrokers.has(leader)) byBroker.set(leader, [...(byBroker.get(leader) ?? []), reader]);
    }
    const someLeftOut = wanting.length < epoch.readers.size;
    for (const [broker, readers] of byBroker) {
      void this.#fetch(epoch, broker, readers, someLeftOut ? SHORT_WAIT_MS : WAIT_MS);
    }
  }

  async #fetch(epoch: Epoch, broker: number, readers: PartitionReader[], maxWaitTime: number): Promise<void> {
    this.#busyBrokers.add(broker);
    try {
      const answer = this.#client.fetch({
        node: broker,
        minBytes: 1,
        maxBytes: FETCH_BYTES,
        maxWaitTime,
        isolationLevel: READ_COMMITTED,
        topics: [
          {
            topicId: epoch.logId,
            partitions: readers.map(({ partition, position }) => ({
              partition,
              fetchOffset: position,
              currentLeaderEpoch: -1,
              lastFetchedEpoch: -1,
              partitionMaxBytes: PARTITION_BYTES,
            })),
          },
        ],
      });
      const response = await withDeadline(answer, FETCH_DEADLINE_MS, () => {
        this.#options.onHung();
        return new Error(`no answer within ${FETCH_DEADLINE_MS} ms`);
      });
      this.#answeredAt = performance.now();
      this.#deliver(epoch, response);
    } catch (error) {
      await this.#onFetchError(epoch, error);
    }
    this.#busyBrokers.delete(broker);
    this.pump();
  }

  #deliver(epoch: Epoch, response: FetchResponse): void {
    if (epoch !== this.#epoch) return;
    let any = false;
    for (const part of response.responses.flatMap(({ partitions }) => partitions)) {
      const reader = epoch.readers.get(part.partitionIndex);
      // An answer with an error somewhere has not had the records of aborted transactions taken out: read those again.
      if (!reader || part.errorCode !== 0) continue;
      const decoded = decodePartition(part, reader.position);
      if (decoded.next === reader.position) continue;
      reader.deliver(decoded);
      any = true;
    }
    if (any) this.#options.onRecords();
  }

  async #onFetchError(epoch: Epoch, error: unknown): Promise<void> {
    if (error instanceof ResponseError && epoch === this.#epoch) {
      const response = error.response as FetchResponse;
      const parts = (response.responses ?? []).flatMap(({ partitions }) => partitions);
      for (const { errorCode, partitionIndex } of parts) {
        const reader = epoch.readers.get(partitionIndex);
        if (errorCode === OFFSET_OUT_OF_RANGE && reader) await this.#options.onOutOfRange(epoch, reader);
      }
      const noneAborted = parts.every(({ abortedTransactions }) => !abortedTransactions?.length);
      if (parts.length > 0 && noneAborted) {
        this.#answeredAt = performance.now();
        this.#deliver(epoch, response);
      }
    }
    await this.#pauseAfter(error);
  }

  async #pauseAfter(error: unknown): Promise<void> {
    this.#options.logger.debug({ reason: reasonOf(error) }, 'a fetch failed; asking for the leaders again');
    this.#refreshMetadata = true;
    await sleep(ERROR_PAUSE_MS, this.#closing.signal);
  }

  async #waitForLeader(): Promise<void> {
    this.#busyBrokers.add(-1);
    this.#refreshMetadata = true;
    await sleep(ERROR_PAUSE_MS, this.#closing.signal);
    this.#busyBrokers.delete(-1);
    this.pump();
  }
}
