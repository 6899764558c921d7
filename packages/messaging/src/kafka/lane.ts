import { backoffMs, type Logger, withDeadline } from '@kero/runtime';
import { type CompressionAlgorithmValue, Producer } from '@platformatic/kafka';
import { messagingError } from '../messaging-errors.ts';
import type { AppendFailure } from './append-call.ts';
import { type Connection, clientOptions } from './client-options.ts';
import { brokerErrors, hadNoAnswer, reasonOf } from './kafka-errors.ts';
import { PartitionQueue, type SendLimits, type WaitingRecord } from './partition-queue.ts';
import { readTopicState, whyNotWritable } from './topic-state.ts';
import type { Unanswered } from './topic-watch.ts';
import { Wakeup } from './wakeup.ts';

/** No option of the client bounds a send: retries nest, and its clock stops while a request queues. So the lane does. */
const SEND_DEADLINE_MS = 12_000;
/** The brokers just said that the partition is well; the others of the lane must not wait long for a trial. */
const TRIAL_DEADLINE_MS = 5000;
const PROBE_DEADLINE_MS = 5000;
/** How long after the last failure the brokers are believed that they take records. */
const TRUST_AFTER_MS = 10_000;
const CONFIRMED_LATELY_MS = 5000;
/** How often a partition that is down is looked at. */
const PROBE_BACKOFF = { firstMs: 100, maxMs: 1000 };

/** Answers that mean: not stored, and never will be. Anything else leaves the outcome open. */
const REFUSALS = [
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'INVALID_RECORD',
  'INVALID_TIMESTAMP',
  'TOPIC_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'UNSUPPORTED_COMPRESSION_TYPE',
  'POLICY_VIOLATION',
];
/** Answers of an earlier try that leave open whether the records are stored. */
const UNSURE = ['REQUEST_TIMED_OUT', 'NOT_ENOUGH_REPLICAS_AFTER_APPEND'];

export interface LaneOptions {
  readonly number: number;
  readonly connection: Connection;
  readonly topic: string;
  readonly compression: CompressionAlgorithmValue;
  readonly minInSync: number;
  readonly limits: SendLimits;
  readonly logger: Logger;
  /** Called with the bytes of records that are no longer in the lane. */
  readonly onReleased: (bytes: number) => void;
}

/**
 * Sends the records of some partitions, one send after the other: one client, at most one send at a time, one partition a
 * send. Several sends of one client, or several partitions in one send, lose or double records when a broker fails
 * (docs/decisions/0005-kafka-client.md). What is appended while a send is out goes into the next one, so batches grow with load.
 *
 * A send ends in one of three ways: confirmed; refused (not stored, and never will be: its records fail); of unknown outcome:
 * then its records go back to the front, to be sent again until their deadlines, and the partition is down (PartitionState).
 * After any failure the lane has a new client, which starts at the next broker.
 */
export class Lane {
  readonly #options: LaneOptions;
  readonly #queues = new Map<number, PartitionQueue>();
  readonly #wakeup = new Wakeup();
  readonly #done: Promise<void>;
  #client: Producer;
  #rotation: number;
  /** Failures in a row. */
  #failures = 0;
  /** When to ask again which partitions can be written (monotonic clock). */
  #probeAt: number | undefined;
  #sendBytes: number;
  #lastSent = -1;
  #closing = false;
  #ended = false;
  #confirmedAt = performance.now();
  #failedAt = Number.NEGATIVE_INFINITY;
  #trouble: { readonly reason: string; readonly since: number } | undefined;
  /** Why no partition is known to take records, although none has failed: the brokers do not answer. */
  #doubt: string | undefined;
  /** Since when sends fail (monotonic clock); for the log lines. */
  #failingSince: number | undefined;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#rotation = options.number;
    this.#sendBytes = options.limits.bytes;
    this.#client = this.#newClient();
    this.#done = this.#run();
  }

  /** Why the lane is not known to take records, and since when (monotonic clock). */
  get trouble(): { readonly reason: string; readonly since: number } | undefined {
    const queues = [...this.#queues.values()];
    const quiet = this.#doubt === undefined && queues.every((queue) => queue.isIdle && queue.state !== 'down');
    // Without records to try it with, what the brokers say has to do: else nobody would send any more.
    if (quiet && performance.now() - this.#failedAt > TRUST_AFTER_MS) return undefined;
    return this.#trouble;
  }

  /** When the log last confirmed something (monotonic clock). */
  get confirmedAt(): number {
    return this.#confirmedAt;
  }

  /** Why the partition is known to take no records now. */
  whyDown(partition: number): string | undefined {
    const queue = this.#queues.get(partition);
    return queue ? queue.refusing : this.#doubt;
  }

  /**
   * The brokers do not answer. What this lane does not know better is down until they answer it, so that nobody has to wait
   * to find out.
   */
  doubt({ reason, askedAt }: Unanswered): void {
    if (this.#confirmedAt > askedAt || this.#doubt !== undefined) return;
    this.#doubt = reason;
    this.#trouble ??= { reason, since: askedAt };
    for (const queue of this.#queues.values()) queue.setState('down', reason);
    this.#probeAt ??= performance.now();
    this.#wakeup.notify();
  }

  /** A broker has said that the partition cannot be written now. What was confirmed a moment ago knows better. */
  learnDown(partition: number, reason: string): void {
    const queue = this.#queue(partition);
    if (queue.state !== 'up' || !queue.isIdle || performance.now() - this.#confirmedAt < CONFIRMED_LATELY_MS) return;
    queue.setState('down', reason);
    this.#trouble ??= { reason, since: performance.now() };
    this.#probeAt ??= performance.now() + PROBE_BACKOFF.maxMs;
    this.#wakeup.notify();
  }

  push(partition: number, record: WaitingRecord): void {
    this.#queue(partition).push(record);
    this.#wakeup.notify();
  }

  /** A call passed its deadline. When nothing was confirmed since it began, the log is not known to be well. */
  missedDeadline(startedAt: number, reason: string): void {
    if (this.#confirmedAt < startedAt) this.#trouble ??= { reason, since: performance.now() };
  }

  /** Sends what waits, for at most `graceMs`; what is left fails. */
  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    this.#wakeup.notify();
    const graceOver = () =>
      messagingError('log_unavailable', `the log did not confirm within ${graceMs} ms after the stop`);
    await withDeadline(this.#done, graceMs, graceOver).catch(() => {});
    this.#ended = true;
    this.#wakeup.notify();
    for (const queue of this.#queues.values()) this.#settle(queue.takeAll(), graceOver());
    await this.#dropClient();
  }

  async #run(): Promise<void> {
    while (!this.#ended) {
      const now = performance.now();
      const queue = this.#nextQueue();
      if (this.#probeAt !== undefined && this.#probeAt <= now) await this.#probe();
      else if (queue) await this.#sendFrom(queue);
      else if (this.#closing && [...this.#queues.values()].every(({ isEmpty }) => isEmpty)) return;
      else await this.#wakeup.wait(this.#probeAt && this.#probeAt - now);
    }
  }

  /** The partitions take turns. */
  #nextQueue(): PartitionQueue | undefined {
    const ready = [...this.#queues.values()].filter((queue) => !queue.isEmpty && queue.state !== 'down');
    ready.sort((a, b) => a.partition - b.partition);
    return ready.find(({ partition }) => partition > this.#lastSent) ?? ready[0];
  }

  async #sendFrom(queue: PartitionQueue): Promise<void> {
    const { batch, released } = queue.take({ records: this.#options.limits.records, bytes: this.#sendBytes });
    if (released > 0) this.#options.onReleased(released);
    if (batch.length === 0) return;
    this.#lastSent = queue.partition;
    try {
      const deadlineMs = queue.state === 'trial' ? TRIAL_DEADLINE_MS : SEND_DEADLINE_MS;
      const missed = () => messagingError('log_unavailable', `no confirmation within ${deadlineMs} ms`);
      await withDeadline(this.#send(queue.partition, batch), deadlineMs, missed);
    } catch (error) {
      queue.sent();
      this.#onFailure(queue, batch, error);
      return;
    }
    queue.sent();
    this.#confirmedAt = performance.now();
    this.#failures = 0;
    this.#trouble = undefined;
    this.#doubt = undefined;
    queue.setState('up');
    this.#logConfirmed(queue.partition);
    this.#settle(batch);
  }

  async #send(partition: number, batch: readonly WaitingRecord[]): Promise<void> {
    const { topic, compression } = this.#options;
    await this.#checkPartition(partition);
    await this.#client.send({
      acks: -1,
      compression,
      messages: batch.map(({ record: { key, value, headers } }) => ({
        topic,
        partition,
        key,
        value,
        // Keys that are buffers are never equal, so a name may repeat.
        headers: new Map(headers.map(([name, bytes]) => [Buffer.from(name), bytes])),
      })),
    });
  }

  /** A partition that is new to the client, it takes for another one (modulo the number it knows), silently. */
  async #checkPartition(partition: number): Promise<void> {
    const { topic } = this.#options;
    for (const forceUpdate of [false, true]) {
      const metadata = await this.#client.metadata({ topics: [topic], forceUpdate });
      if (partition < (metadata.topics.get(topic)?.partitionsCount ?? 0)) return;
    }
    throw messagingError('log_unavailable', `the brokers do not know partition ${partition} of ${topic}`);
  }

  #onFailure(queue: PartitionQueue, batch: WaitingRecord[], error: unknown): void {
    const { topic, logger } = this.#options;
    const reason = reasonOf(error);
    const where = { topic, partition: queue.partition, records: batch.length, reason };
    const refusal = refusalOf(error);
    this.#renewClient();
    if (this.#ended) {
      this.#settle(batch, messagingError('log_unavailable', 'the log did not confirm before the stop'));
    } else if (refusal === 'record_too_large' && batch.length > 1) {
      // The limit is one of the whole batch. Nothing of it is stored: smaller sends find the record that is too large.
      this.#sendBytes = Math.max(1, Math.floor(this.#sendBytes / 2));
      queue.putBack(batch);
    } else if (refusal) {
      logger.error(where, 'the log refused records for good');
      this.#settle(batch, messagingError(refusal, `the log refused the record: ${reason}`, { cause: error }));
    } else {
      // One line for an outage, not one for every send that it breaks.
      const level = this.#failingSince === undefined ? 'warn' : 'debug';
      this.#failingSince ??= performance.now();
      logger[level](where, `the log did not confirm records, trying again with the next broker: ${reason}`);
      this.#trouble ??= { reason, since: performance.now() };
      this.#failedAt = performance.now();
      queue.setState('down', reason);
      queue.putBack(batch);
      this.#probeAt = performance.now() + (this.#failures++ > 0 ? backoffMs(this.#failures, PROBE_BACKOFF) : 0);
    }
  }

  /** Asks which partitions can be written. Those that cannot are asked for again, less and less often. */
  async #probe(): Promise<void> {
    const { topic, minInSync, onReleased } = this.#options;
    for (const queue of this.#queues.values()) onReleased(queue.dropAnswered());
    try {
      const noAnswer = () => messagingError('log_unavailable', `no broker answered within ${PROBE_DEADLINE_MS} ms`);
      const state = await withDeadline(readTopicState(this.#client, topic), PROBE_DEADLINE_MS, noAnswer);
      this.#doubt = undefined;
      for (const queue of this.#queues.values()) {
        const why = state ? whyNotWritable(state, queue.partition, minInSync) : `the topic ${topic} does not exist`;
        if (why) queue.setState('down', why);
        else if (queue.state === 'down') queue.setState('trial');
      }
    } catch (error) {
      for (const queue of this.#queues.values()) queue.setState('down', reasonOf(error));
      this.#renewClient();
    }
    if (this.#doubt !== undefined || this.#someDown()) {
      this.#failures++;
      this.#probeAt = performance.now() + backoffMs(this.#failures, PROBE_BACKOFF);
    } else {
      this.#probeAt = undefined;
    }
  }

  #logConfirmed(partition: number): void {
    if (this.#failingSince === undefined) return;
    const failedMs = Math.round(performance.now() - this.#failingSince);
    this.#failingSince = undefined;
    const { topic, logger } = this.#options;
    logger.info({ topic, partition, failedMs }, `the log confirms records again, after ${failedMs} ms`);
  }

  #someDown(): boolean {
    for (const { state } of this.#queues.values()) if (state === 'down') return true;
    return false;
  }

  #settle(batch: readonly WaitingRecord[], failure?: AppendFailure): void {
    let bytes = 0;
    for (const waiting of batch) {
      waiting.call.settle(waiting.index, failure);
      bytes += waiting.bytes;
    }
    if (bytes > 0) this.#options.onReleased(bytes);
  }

  #queue(partition: number): PartitionQueue {
    let queue = this.#queues.get(partition);
    if (!queue) {
      queue = new PartitionQueue(partition);
      this.#queues.set(partition, queue);
    }
    return queue;
  }

  /** A client is never used again after a failure: its sequence numbers may no longer be those that the broker expects. */
  #renewClient(): void {
    this.#rotation++;
    void this.#dropClient();
    if (!this.#ended) this.#client = this.#newClient();
  }

  async #dropClient(): Promise<void> {
    await this.#client.close(true).catch(() => {});
  }

  #newClient(): Producer {
    const { connection, number } = this.#options;
    const client = new Producer({
      ...clientOptions(connection, `producer-${number}`, this.#rotation),
      idempotent: true,
      // Longer than the 9 s after which Kafka gives the partitions of a dead broker to others.
      retries: 30,
      retryDelay: () => 300 + Math.random() * 200,
      connectTimeout: 1500,
      // The broker answers before the client gives up.
      requestTimeout: 4000,
      timeout: 3500,
      metadataMaxAge: 60_000,
    });
    client.on('error', () => {});
    return client;
  }
}

/** Undefined when a try had no clear answer: then nobody knows whether the records are stored. */
function refusalOf(error: unknown): 'record_too_large' | 'log_refused' | undefined {
  if (hadNoAnswer(error)) return undefined;
  const names = brokerErrors(error);
  if (UNSURE.some((name) => names.has(name)) || !REFUSALS.some((name) => names.has(name))) return undefined;
  return names.has('MESSAGE_TOO_LARGE') || names.has('RECORD_LIST_TOO_LARGE') ? 'record_too_large' : 'log_refused';
}
