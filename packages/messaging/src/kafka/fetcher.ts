import { isKeroError, type Logger, sleep, withDeadline } from '@kero/runtime';
import { ProtocolError } from '@platformatic/kafka';
import { messagingError } from '../messaging-errors.ts';
import { DataError } from './byte-cursor.ts';
import type { Connection } from './client-options.ts';
import { decodePartition } from './decode-fetch.ts';
import type { Epoch } from './epoch.ts';
import { FetchCalls, type PartitionAnswer } from './fetch-call.ts';
import { pauseAfterFetch } from './fetch-pace.ts';
import { reasonOf } from './kafka-errors.ts';
import type { PartitionReader } from './partition-reader.ts';
import { RotatingClient } from './rotating-client.ts';
import { whoseTurn } from './whose-turn.ts';

const FETCH_BYTES = 2 * 1024 * 1024;
const PARTITION_BYTES = 1024 * 1024;
/** How long a broker waits for a first record. */
const WAIT_MS = 500;
/** The same while a partition is left out because enough of it is buffered: it must not wait for the others. */
const SHORT_WAIT_MS = 20;
/** Connecting, authenticating and the request have failed long before; a fetch that has not, never will. */
const FETCH_DEADLINE_MS = 20_000;
const ERROR_PAUSE_MS = 200;
/** The next one is a bit later, and of that partition alone. */
const UNDECODABLE_TRIES = 3;
const OFFSET_OUT_OF_RANGE = 1;

export interface FetcherOptions {
  readonly connection: Connection;
  readonly topic: string;
  readonly groupId: string;
  readonly rotation: number;
  readonly logger: Logger;
  /** A broker has answered a fetch, and nothing was wrong with any partition. */
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

/**
 * Fetches for the current epoch with one client that does nothing else (a fetch that waits holds up everything behind it on
 * its connection): for each broker one fetch at a time, also across epochs, of the partitions that it leads and that want
 * more. Fetches keep a pace (fetch-pace.ts). An answer of an epoch that has ended is dropped.
 *
 * What cannot be decoded ends what an answer brings of its partition; what stands before it and the other partitions are read.
 * The partition is a suspect then: it is fetched alone, until it has passed that offset or is given up.
 */
export class Fetcher {
  readonly #options: FetcherOptions;
  readonly #client: RotatingClient;
  readonly #calls = new FetchCalls();
  readonly #closing = new AbortController();
  readonly #busyBrokers = new Set<number>();
  /** How many fetches went out to a broker. */
  readonly #turns = new Map<number, number>();
  /** How often what stands at its position was undecodable. */
  readonly #suspects = new Map<PartitionReader, number>();
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
    // The end of a fetch that is out comes here again. Most calls end here.
    const known = this.#client.current.currentMetadata?.topics.get(topic)?.partitions;
    const isUnderWay = ({ partition }: PartitionReader) => this.#busyBrokers.has(known?.[partition]?.leader ?? -1);
    if (!forceUpdate && known && wanting.every(isUnderWay)) return;
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
      const turn = this.#turns.get(broker) ?? 0;
      this.#turns.set(broker, turn + 1);
      const some = whoseTurn(readers, (reader) => this.#suspects.has(reader), turn);
      const short = someLeftOut || some.length < readers.length;
      void this.#fetch(epoch, broker, some, short ? SHORT_WAIT_MS : WAIT_MS);
    }
  }

  async #fetch(epoch: Epoch, broker: number, readers: PartitionReader[], maxWaitMs: number): Promise<void> {
    this.#busyBrokers.add(broker);
    const beganAt = performance.now();
    try {
      const answers = await this.#ask(epoch, broker, readers, maxWaitMs);
      this.#answeredAt = performance.now();
      if (epoch === this.#epoch) await this.#accept(epoch, answers);
      this.#options.onAnswer();
      const bytes = answers.reduce((sum, { records }) => sum + records.length, 0);
      const pauseMs = pauseAfterFetch({ beganAt, bytes }, performance.now());
      if (pauseMs > 0) await sleep(pauseMs, this.#closing.signal);
    } catch (error) {
      if (isKeroError(error, 'log_unavailable')) this.#options.onHung();
      await this.#pauseAfter(error);
    }
    this.#busyBrokers.delete(broker);
    this.pump();
  }

  async #ask(
    epoch: Epoch,
    broker: number,
    readers: readonly PartitionReader[],
    maxWaitMs: number,
  ): Promise<PartitionAnswer[]> {
    const answers = this.#calls.fetch(this.#client.current, broker, {
      topic: this.#options.topic,
      topicId: epoch.logId,
      partitions: readers.map(({ partition, position }) => ({ partition, position, maxBytes: PARTITION_BYTES })),
      maxBytes: FETCH_BYTES,
      maxWaitMs,
    });
    const late = () => messagingError('log_unavailable', `no answer within ${FETCH_DEADLINE_MS} ms`);
    return withDeadline(answers, FETCH_DEADLINE_MS, late);
  }

  /**
   * Takes over what the broker has; what it has for one partition does not depend on the others. Throws in the end when there
   * was something wrong with one of them.
   */
  async #accept(epoch: Epoch, answers: readonly PartitionAnswer[]): Promise<void> {
    const problems: Error[] = [];
    for (const { partition, errorCode } of answers) {
      if (errorCode === 0) continue;
      problems.push(new ProtocolError(errorCode));
      const reader = epoch.readers.get(partition);
      if (errorCode === OFFSET_OUT_OF_RANGE && reader) await this.#options.onOutOfRange(epoch, reader);
    }
    if (epoch === this.#epoch) problems.push(...this.#deliver(epoch, answers));
    if (problems[0]) throw problems[0];
  }

  /** Returns what cannot be decoded. */
  #deliver(epoch: Epoch, answers: readonly PartitionAnswer[]): DataError[] {
    const damages: DataError[] = [];
    let anyRecords = false;
    for (const answer of answers) {
      const reader = epoch.readers.get(answer.partition);
      if (!reader || answer.errorCode !== 0) continue;
      const decoded = decodePartition(answer, reader.position);
      if (decoded.damage === undefined || decoded.next !== reader.position) this.#suspects.delete(reader);
      if (decoded.next !== reader.position) {
        reader.deliver(decoded);
        anyRecords = true;
      }
      if (decoded.damage !== undefined) {
        damages.push(new DataError(decoded.damage));
        this.#onUndecodable(epoch, reader, decoded.damage);
      }
    }
    if (anyRecords) this.#options.onRecords();
    return damages;
  }

  #onUndecodable(epoch: Epoch, reader: PartitionReader, reason: string): void {
    const tries = (this.#suspects.get(reader) ?? 0) + 1;
    this.#suspects.set(reader, tries);
    if (tries < UNDECODABLE_TRIES) return;
    this.#suspects.delete(reader);
    this.#options.onUndecodable(epoch, reader, reason);
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
