import { isKeroError, type Logger, sleep, withDeadline } from '@kero/runtime';
import { ResponseError } from '@platformatic/kafka';
import { messagingError } from '../messaging-errors.ts';
import type { Connection } from './client-options.ts';
import { type Decoded, decodePartition, type FetchResponse } from './decode-fetch.ts';
import type { Epoch } from './epoch.ts';
import { isUndecodable, reasonOf } from './kafka-errors.ts';
import type { PartitionReader } from './partition-reader.ts';
import { RotatingClient } from './rotating-client.ts';

const FETCH_BYTES = 2 * 1024 * 1024;
const PARTITION_BYTES = 1024 * 1024;
/** How long a broker waits for a first record. */
const WAIT_MS = 500;
/** The same while a partition is left out because enough of it is buffered: it must not wait for the others. */
const SHORT_WAIT_MS = 20;
/** Connecting, authenticating and the request have failed long before; a fetch that has not, never will. */
const FETCH_DEADLINE_MS = 20_000;
const ERROR_PAUSE_MS = 200;
/** Of one partition alone; the next one is a bit later. */
const UNDECODABLE_TRIES = 3;
const OFFSET_OUT_OF_RANGE = 1;
const READ_COMMITTED = 1;

export interface FetcherOptions {
  readonly connection: Connection;
  readonly topic: string;
  readonly groupId: string;
  readonly rotation: number;
  readonly logger: Logger;
  /** A broker has answered a fetch. */
  readonly onAnswer: () => void;
  readonly onRecords: () => void;
  /** The broker has nothing at the reader's position: too low, or beyond the end. */
  readonly onOutOfRange: (epoch: Epoch, reader: PartitionReader) => Promise<void>;
  /** What the broker has at the reader's position cannot be decoded, whatever is tried. */
  readonly onUndecodable: (epoch: Epoch, reader: PartitionReader, reason: string) => void;
  /** A fetch neither succeeded nor failed: this fetcher is of no more use. */
  readonly onHung: () => void;
  /** The topic was deleted and made anew. */
  readonly onTopicChanged: (epoch: Epoch) => void;
}

interface Suspicion {
  /** How often the batch at its position was undecodable. */
  readonly tries: number;
  /** How much is still to be read batch by batch. */
  readonly bytesLeft: number;
}

/**
 * Fetches for the current epoch with one client that does nothing else (a fetch that waits holds up everything behind it on
 * its connection): for each broker one fetch at a time, also across epochs, of the partitions that it leads and that want
 * more. An answer of an epoch that has ended is dropped.
 *
 * One batch that cannot be decoded makes the whole answer unreadable. So the partitions that were in it are suspects: each
 * is fetched alone and batch by batch, until it has passed what was in that answer or stands before the batch.
 */
export class Fetcher {
  readonly #options: FetcherOptions;
  readonly #client: RotatingClient;
  readonly #closing = new AbortController();
  readonly #busyBrokers = new Set<number>();
  readonly #suspects = new Map<PartitionReader, Suspicion>();
  #turn = 0;
  #epoch: Epoch | undefined;
  #planning = false;
  #planAgain = false;
  #refreshMetadata = false;
  #answeredAt = performance.now();

  constructor(options: FetcherOptions) {
    this.#options = options;
    this.#client = new RotatingClient({ ...options, role: 'fetcher', groupId: `${options.groupId}.fetch` });
  }

  /** Fetches for this epoch from now on; undefined: for none. */
  follow(epoch: Epoch | undefined): void {
    this.#epoch = epoch;
    this.#suspects.clear();
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
    await this.#client.close();
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
    const metadata = await this.#client.use((client) => client.metadata({ topics: [topic], forceUpdate }));
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
      const some = this.#chooseSome(readers);
      const short = someLeftOut || some.length < readers.length;
      void this.#fetch(epoch, broker, some, short ? SHORT_WAIT_MS : WAIT_MS);
    }
  }

  /** All, or while there are suspects among them: the others together and each of the suspects alone, in turns. */
  #chooseSome(readers: PartitionReader[]): PartitionReader[] {
    const suspects = readers.filter((reader) => this.#suspects.has(reader));
    if (suspects.length === 0) return readers;
    const others = readers.filter((reader) => !this.#suspects.has(reader));
    const choices = [...suspects.map((suspect) => [suspect]), ...(others.length > 0 ? [others] : [])];
    return choices[this.#turn++ % choices.length] ?? readers;
  }

  async #fetch(epoch: Epoch, broker: number, readers: PartitionReader[], maxWaitTime: number): Promise<void> {
    this.#busyBrokers.add(broker);
    try {
      const answer = this.#client.current.fetch({
        node: broker,
        minBytes: 1,
        maxBytes: FETCH_BYTES,
        maxWaitTime,
        isolationLevel: READ_COMMITTED,
        topics: [
          {
            topicId: epoch.logId,
            partitions: readers.map((reader) => ({
              partition: reader.partition,
              fetchOffset: reader.position,
              currentLeaderEpoch: -1,
              lastFetchedEpoch: -1,
              // At least one batch comes, whatever its size.
              partitionMaxBytes: this.#suspects.has(reader) ? 1 : PARTITION_BYTES,
            })),
          },
        ],
      });
      const noAnswer = () => messagingError('log_unavailable', `no answer within ${FETCH_DEADLINE_MS} ms`);
      const response = await withDeadline(answer, FETCH_DEADLINE_MS, noAnswer);
      this.#answeredAt = performance.now();
      this.#options.onAnswer();
      this.#deliver(epoch, response);
    } catch (error) {
      if (isKeroError(error, 'log_unavailable')) this.#options.onHung();
      else if (isUndecodable(error)) this.#onUndecodable(epoch, readers, reasonOf(error));
      else await this.#onPartitionErrors(epoch, error);
      await this.#pauseAfter(error);
    }
    this.#busyBrokers.delete(broker);
    this.pump();
  }

  #deliver(epoch: Epoch, response: FetchResponse): void {
    if (epoch !== this.#epoch) return;
    let any = false;
    for (const part of response.responses.flatMap(({ partitions }) => partitions)) {
      const reader = epoch.readers.get(part.partitionIndex);
      if (!reader || part.errorCode !== 0) continue;
      const decoded = decodePartition(part, reader.position);
      this.#lessenSuspicion(reader, decoded);
      if (decoded.next === reader.position) continue;
      reader.deliver(decoded);
      any = true;
    }
    if (any) this.#options.onRecords();
  }

  /** The broker answered, with an error for some of the partitions; what it has for the others is as good as ever. */
  async #onPartitionErrors(epoch: Epoch, error: unknown): Promise<void> {
    if (!(error instanceof ResponseError) || epoch !== this.#epoch) return;
    const response = error.response as FetchResponse;
    const parts = (response.responses ?? []).flatMap(({ partitions }) => partitions);
    for (const { errorCode, partitionIndex } of parts) {
      const reader = epoch.readers.get(partitionIndex);
      if (errorCode === OFFSET_OUT_OF_RANGE && reader) await this.#options.onOutOfRange(epoch, reader);
    }
    if (parts.length === 0) return;
    this.#answeredAt = performance.now();
    this.#deliver(epoch, response);
  }

  #lessenSuspicion(reader: PartitionReader, { records, next }: Decoded): void {
    const suspicion = this.#suspects.get(reader);
    if (!suspicion) return;
    const bytesLeft = suspicion.bytesLeft - records.reduce((sum, { bytes }) => sum + bytes, 0);
    if (bytesLeft <= 0 || next === reader.position) this.#suspects.delete(reader);
    else this.#suspects.set(reader, { tries: 0, bytesLeft });
  }

  #onUndecodable(epoch: Epoch, readers: readonly PartitionReader[], reason: string): void {
    this.#answeredAt = performance.now();
    const [only, ...more] = readers;
    if (epoch !== this.#epoch || !only) return;
    if (more.length > 0) {
      for (const reader of readers) this.#suspects.set(reader, { tries: 0, bytesLeft: PARTITION_BYTES });
      return;
    }
    const tries = (this.#suspects.get(only)?.tries ?? 0) + 1;
    this.#suspects.set(only, { tries, bytesLeft: PARTITION_BYTES });
    if (tries < UNDECODABLE_TRIES) return;
    this.#suspects.delete(only);
    this.#options.onUndecodable(epoch, only, reason);
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
