import { backoffMs, type Logger, withDeadline } from '@kero/runtime';
import type { CompressionAlgorithmValue } from '@platformatic/kafka';
import { type MessagingErrorCode, messagingError } from '../messaging-errors.ts';
import type { AppendFailure } from './append-call.ts';
import { type BatchCompression, encodeBatch } from './encode-batch.ts';
import { reasonOf } from './kafka-errors.ts';
import { LaneHealth, type Trouble } from './lane-health.ts';
import { type BatchLimits, type OpenBatch, PartitionQueue, type WaitingRecord } from './partition-queue.ts';
import type { ProduceClient } from './produce-client.ts';
import { judgeFailure } from './produce-outcome.ts';
import { batchCompression, type ProduceAnswer } from './produce-request.ts';
import { whyNotWritable } from './topic-state.ts';
import type { Unanswered } from './topic-watch.ts';
import { Wakeup } from './wakeup.ts';

/** So long a batch is tried again: longer than the 9 s after which Kafka gives the partitions of a dead broker to others. */
const SEND_DEADLINE_MS = 12_000;
/** The brokers just said that the partition is well; the others of the lane must not wait long for a trial. */
const TRIAL_DEADLINE_MS = 5000;
/** One request, connecting included. The client's own clock stops while a request queues. */
const REQUEST_DEADLINE_MS = 6000;
const QUESTION_DEADLINE_MS = 5000;
const RETRY_BACKOFF = { firstMs: 100, maxMs: 500 };
/** So long a confirmation of a partition counts more than what brokers say of it. */
const CONFIRMED_LATELY_MS = 5000;
/** How often a partition that is down is looked at. */
const PROBE_BACKOFF = { firstMs: 100, maxMs: 1000 };

/** What a lane needs of the brokers. */
export type LaneClient = Pick<ProduceClient, 'leaders' | 'topicState' | 'newIdentity' | 'produce' | 'retire' | 'close'>;

export interface LaneOptions {
  /** `rotation`: how often to turn the list of brokers. */
  readonly newClient: (rotation: number) => LaneClient;
  readonly topic: string;
  readonly compression: CompressionAlgorithmValue;
  readonly minInSync: number;
  /** Of one batch. */
  readonly limits: BatchLimits;
  /** Of all batches of one request. */
  readonly requestBytes: number;
  readonly logger: Logger;
  /** Called with the bytes of records that are no longer in the lane. */
  readonly onReleased: (bytes: number) => void;
}

/**
 * Sends the records of a topic. To each broker at most one request is out, with one batch of every partition that it leads
 * and that has something to send; what is appended meanwhile goes into the next one, so batches grow with load. Of a partition at
 * most one batch is out, whatever happens to its leader: that is what keeps the order of a key.
 *
 * A batch ends in one of three ways: confirmed; refused (not stored, and never will be: its records fail); or given up, because no try
 * had a clear answer in time. Then nobody knows whether it is stored: its records go back to the front, to be sent again until their
 * deadlines, and the partition is down (PartitionState).
 *
 * Tries of a batch are the same bytes with the same sequence, so that the broker stores them once. After one that was not confirmed in the
 * end the partition goes on under a new identity. A broker that does not answer costs the lane its client: the next one asks the next
 * broker first (decisions 0005 and 0020).
 */
export class Lane {
  readonly #options: LaneOptions;
  readonly #queues = new Map<number, PartitionQueue>();
  readonly #wakeup = new Wakeup();
  readonly #health: LaneHealth;
  readonly #compression: BatchCompression | undefined;
  readonly #done: Promise<void>;
  /** Brokers that have not answered yet. */
  readonly #busy = new Set<number>();
  #client: LaneClient;
  #rotation = 0;
  /** The leaders that are known may be old. */
  #leadersInDoubt = false;
  /** Failures in a row. */
  #failures = 0;
  /** When to ask again which partitions can be written (monotonic clock). */
  #probeAt: number | undefined;
  #batchBytes: number;
  #lastSent = -1;
  #closing = false;
  #ended = false;
  /** Why no partition is known to take records, although none has failed: the brokers do not answer. */
  #doubt: string | undefined;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#health = new LaneHealth(options.topic, options.logger);
    this.#compression = batchCompression(options.compression);
    this.#batchBytes = options.limits.bytes;
    this.#client = options.newClient(this.#rotation);
    this.#done = this.#run();
  }

  get trouble(): Trouble | undefined {
    const queues = [...this.#queues.values()];
    const quiet = this.#doubt === undefined && queues.every((queue) => queue.isIdle && queue.state !== 'down');
    return this.#health.trouble(quiet);
  }

  /** When the log last confirmed something (monotonic clock). */
  get confirmedAt(): number {
    return this.#health.confirmedAt;
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
    if (this.#health.confirmedAt > askedAt || this.#doubt !== undefined) return;
    this.#doubt = reason;
    this.#health.suspect(reason, askedAt);
    for (const queue of this.#queues.values()) queue.setState('down', reason);
    this.#probeAt ??= performance.now();
    this.#wakeup.notify();
  }

  /** A broker has said that the partition cannot be written now. What was confirmed a moment ago knows better. */
  learnDown(partition: number, reason: string): void {
    const queue = this.#queue(partition);
    if (queue.state !== 'up' || !queue.isIdle || performance.now() - queue.confirmedAt < CONFIRMED_LATELY_MS) return;
    queue.setState('down', reason);
    this.#health.suspect(reason);
    this.#probeAt ??= performance.now() + PROBE_BACKOFF.maxMs;
    this.#wakeup.notify();
  }

  push(partition: number, record: WaitingRecord): void {
    this.#queue(partition).push(record);
    this.#wakeup.notify();
  }

  /** A call passed its deadline. When nothing was confirmed since it began, the log is not known to be well. */
  missedDeadline(startedAt: number, reason: string): void {
    if (this.#health.confirmedAt < startedAt) this.#health.suspect(reason);
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
    await this.#client.close();
  }

  async #run(): Promise<void> {
    while (!this.#ended) {
      if (this.#probeAt !== undefined && this.#probeAt <= performance.now()) await this.#probe();
      await this.#startRequests();
      if (this.#closing && [...this.#queues.values()].every(({ isIdle }) => isIdle)) return;
      await this.#wakeup.wait(this.#msUntilDue());
      // Whatever else comes in this round of the event loop goes into the same request.
      await new Promise(setImmediate);
    }
  }

  /** Undefined: nothing but a notification is waited for. */
  #msUntilDue(): number | undefined {
    let due = this.#probeAt ?? Number.POSITIVE_INFINITY;
    for (const { batch, isOut, state } of this.#queues.values()) {
      if (batch && !isOut && state !== 'down') due = Math.min(due, batch.retryAt);
    }
    return due === Number.POSITIVE_INFINITY ? undefined : Math.max(0, due - performance.now());
  }

  async #startRequests(): Promise<void> {
    const due = this.#dueQueues();
    if (due.length === 0) return;
    const client = this.#client;
    let leaders: readonly number[];
    try {
      leaders = await this.#ask(client.leaders(this.#leadersInDoubt));
      this.#leadersInDoubt = false;
    } catch (error) {
      this.#renewClient(client);
      for (const queue of due) if (this.#openBatch(queue)) this.#onFailure(queue, error);
      return;
    }
    const byLeader = new Map<number, PartitionQueue[]>();
    for (const queue of due) {
      const leader = leaders[queue.partition] ?? -1;
      if (leader < 0) {
        const error = messagingError('log_unavailable', `partition ${queue.partition} has no leader`);
        if (this.#openBatch(queue)) this.#onFailure(queue, error);
      } else if (!this.#busy.has(leader)) byLeader.set(leader, [...(byLeader.get(leader) ?? []), queue]);
    }
    for (const [leader, queues] of byLeader) void this.#request(client, leader, queues);
  }

  /** Those that have something to send now. The partitions take turns at being first. */
  #dueQueues(): PartitionQueue[] {
    const now = performance.now();
    const due: PartitionQueue[] = [];
    for (const queue of this.#queues.values()) {
      if (queue.isOut || queue.state === 'down') continue;
      if (queue.batch ? queue.batch.retryAt <= now : !queue.isEmpty) due.push(queue);
    }
    const turn = ({ partition }: PartitionQueue) => (partition > this.#lastSent ? partition - 1e9 : partition);
    return due.sort((a, b) => turn(a) - turn(b));
  }

  #openBatch(queue: PartitionQueue): OpenBatch | undefined {
    if (queue.batch) return queue.batch;
    const deadlineMs = queue.state === 'trial' ? TRIAL_DEADLINE_MS : SEND_DEADLINE_MS;
    const limits = { records: this.#options.limits.records, bytes: this.#batchBytes };
    const { batch, released } = queue.open(limits, performance.now() + deadlineMs);
    if (released > 0) this.#options.onReleased(released);
    return batch;
  }

  async #request(client: LaneClient, leader: number, queues: readonly PartitionQueue[]): Promise<void> {
    const out: PartitionQueue[] = [];
    let bytes = 0;
    for (const queue of queues) {
      const batch = bytes < this.#options.requestBytes ? this.#openBatch(queue) : undefined;
      if (!batch) continue;
      out.push(queue);
      queue.isOut = true;
      this.#lastSent = queue.partition;
      for (const record of batch.records) bytes += record.bytes;
    }
    if (out.length === 0) return;
    this.#busy.add(leader);
    let answer: ProduceAnswer | undefined;
    let failure: unknown;
    try {
      const batches = await this.#encode(client, out);
      const late = () => messagingError('log_unavailable', `no confirmation within ${REQUEST_DEADLINE_MS} ms`);
      answer = await withDeadline(client.produce(leader, batches), REQUEST_DEADLINE_MS, late);
    } catch (error) {
      failure = error;
      this.#renewClient(client);
    }
    this.#busy.delete(leader);
    for (const queue of out) {
      queue.isOut = false;
      const error = answer?.has(queue.partition) ? answer.get(queue.partition) : (failure ?? unanswered());
      if (error === undefined) this.#onConfirmed(queue);
      else this.#onFailure(queue, error);
    }
    this.#wakeup.notify();
  }

  async #encode(client: LaneClient, queues: readonly PartitionQueue[]) {
    const encoded: { partition: number; bytes: Buffer }[] = [];
    for (const queue of queues) {
      const batch = queue.batch as OpenBatch;
      if (!batch.encoded) {
        let sender = queue.sender();
        if (!sender) {
          queue.identify(await this.#ask(client.newIdentity()));
          sender = queue.sender();
        }
        if (!sender) throw new Error(`a batch of ${batch.records.length} records has no sequence`);
        const records = batch.records.map(({ record }) => record);
        batch.encoded = await encodeBatch(records, sender, Date.now(), this.#compression);
      }
      batch.tries++;
      encoded.push({ partition: queue.partition, bytes: batch.encoded });
    }
    return encoded;
  }

  #onConfirmed(queue: PartitionQueue): void {
    this.#failures = 0;
    this.#doubt = undefined;
    queue.setState('up');
    queue.confirmedAt = performance.now();
    this.#health.confirmed(queue.partition);
    this.#settle(queue.close());
  }

  #onFailure(queue: PartitionQueue, error: unknown): void {
    const { batch } = queue;
    // The lane has ended meanwhile.
    if (!batch) return;
    const { unsure, refusal, senderUnknown } = judgeFailure(error);
    batch.unsure ||= unsure;
    if (refusal !== undefined && !batch.unsure) this.#onRefused(queue, batch, refusal, error);
    else if (performance.now() < batch.giveUpAt) {
      this.#leadersInDoubt = true;
      if (senderUnknown) this.#forgetSender(queue);
      batch.retryAt = performance.now() + backoffMs(batch.tries, RETRY_BACKOFF);
    } else this.#giveUp(queue, batch, reasonOf(error));
  }

  #onRefused(queue: PartitionQueue, batch: OpenBatch, refusal: MessagingErrorCode, error: unknown): void {
    this.#forgetSender(queue);
    if (refusal === 'record_too_large' && batch.records.length > 1) {
      // The limit is one of the whole batch. Nothing of it is stored: smaller batches find the record that is too large.
      this.#batchBytes = Math.max(1, Math.floor(this.#batchBytes / 2));
      queue.putBack();
      return;
    }
    const reason = reasonOf(error);
    this.#health.refused(queue.partition, batch.records.length, reason);
    this.#settle(queue.close(), messagingError(refusal, `the log refused the record: ${reason}`, { cause: error }));
  }

  #giveUp(queue: PartitionQueue, batch: OpenBatch, reason: string): void {
    this.#health.failed(queue.partition, batch.records.length, reason);
    this.#leadersInDoubt = true;
    this.#forgetSender(queue);
    queue.putBack();
    queue.setState('down', reason);
    this.#probeAt = performance.now() + (this.#failures++ > 0 ? backoffMs(this.#failures, PROBE_BACKOFF) : 0);
  }

  /** What was sent as this sender may be stored or not: its sequence is not what the broker expects next. */
  #forgetSender(queue: PartitionQueue): void {
    queue.identify(undefined);
    if (queue.batch) queue.batch.encoded = undefined;
  }

  /** Asks which partitions can be written. Those that cannot are asked for again, less and less often. */
  async #probe(): Promise<void> {
    const { topic, minInSync, onReleased } = this.#options;
    for (const queue of this.#queues.values()) onReleased(queue.dropAnswered());
    const client = this.#client;
    try {
      const state = await this.#ask(client.topicState());
      this.#doubt = undefined;
      for (const queue of this.#queues.values()) {
        const why = state ? whyNotWritable(state, queue.partition, minInSync) : `the topic ${topic} does not exist`;
        if (why) queue.setState('down', why);
        else if (queue.state === 'down') queue.setState('trial');
      }
    } catch (error) {
      for (const queue of this.#queues.values()) queue.setState('down', reasonOf(error));
      this.#renewClient(client);
    }
    if (this.#doubt !== undefined || this.#someDown()) {
      this.#failures++;
      this.#probeAt = performance.now() + backoffMs(this.#failures, PROBE_BACKOFF);
    } else {
      this.#probeAt = undefined;
    }
  }

  #ask<T>(answer: Promise<T>): Promise<T> {
    const noAnswer = () => messagingError('log_unavailable', `no broker answered within ${QUESTION_DEADLINE_MS} ms`);
    return withDeadline(answer, QUESTION_DEADLINE_MS, noAnswer);
  }

  #someDown(): boolean {
    for (const { state } of this.#queues.values()) if (state === 'down') return true;
    return false;
  }

  #settle(records: readonly WaitingRecord[], failure?: AppendFailure): void {
    let bytes = 0;
    for (const waiting of records) {
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

  /** The next one asks the next broker first. Does nothing where somebody else has seen the same trouble. */
  #renewClient(troubled: LaneClient): void {
    if (troubled !== this.#client || this.#ended) return;
    this.#rotation++;
    this.#leadersInDoubt = true;
    troubled.retire();
    this.#client = this.#options.newClient(this.#rotation);
  }
}

function unanswered() {
  return messagingError('log_unavailable', 'the broker has not said what became of the partition');
}
