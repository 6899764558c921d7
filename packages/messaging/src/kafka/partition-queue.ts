import type { NewRecord } from '../messaging.ts';
import type { AppendCall } from './append-call.ts';
import type { BatchSender } from './encode-batch.ts';
import type { ProducerIdentity } from './produce-client.ts';

/** A record that waits to be sent, or is being sent. */
export interface WaitingRecord {
  readonly call: AppendCall;
  /** Its place in the call. */
  readonly index: number;
  readonly record: NewRecord;
  readonly bytes: number;
}

/** What one batch may hold at most. */
export interface BatchLimits {
  readonly records: number;
  readonly bytes: number;
}

/**
 * Records that were taken to be sent, until the broker has confirmed or refused them, or they are given up. As long as they are tried
 * again, the very same bytes go out: the broker knows them by sender and sequence, and stores them once.
 */
export interface OpenBatch {
  readonly records: readonly WaitingRecord[];
  /** When it is given up, on the monotonic clock. */
  readonly giveUpAt: number;
  /** Undefined until it goes out for the first time. */
  encoded: Buffer | undefined;
  tries: number;
  /** Not again before. */
  retryAt: number;
  /** One of the tries had no clear answer: it may be stored. */
  unsure: boolean;
}

/**
 * Whether the partition takes records:
 *   up --a batch is given up, or the brokers say that it cannot be written--> down
 *   down --the brokers name a leader and enough in-sync replicas--> trial: one batch may go out. What brokers say may be old.
 *   trial --confirmed--> up
 *   trial --given up--> down
 */
export type PartitionState = 'up' | 'down' | 'trial';

const MAX_SEQUENCE = 0x7fff_ffff;

/** The records of one partition that wait for the lane, in the order in which they were appended. At most one batch of them is open. */
export class PartitionQueue {
  readonly partition: number;
  /** Whether its batch is out: nothing may be sent before there is an answer. */
  isOut = false;
  /** When the log last confirmed a batch of it (monotonic clock). */
  confirmedAt = Number.NEGATIVE_INFINITY;
  #state: PartitionState = 'up';
  /** Why it is not up. */
  #reason = '';
  #waiting: WaitingRecord[] = [];
  #batch: OpenBatch | undefined;
  #identity: ProducerIdentity | undefined;
  #sequence = 0;

  constructor(partition: number) {
    this.partition = partition;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  get batch(): OpenBatch | undefined {
    return this.#batch;
  }

  get state(): PartitionState {
    return this.#state;
  }

  setState(state: PartitionState, reason = ''): void {
    this.#state = state;
    if (reason) this.#reason = reason;
  }

  /** Nothing waits, and nothing is open. */
  get isIdle(): boolean {
    return this.isEmpty && this.#batch === undefined;
  }

  /** Why a record that came now would be refused at once. */
  get refusing(): string | undefined {
    return this.#state === 'down' || (this.#state === 'trial' && !this.isIdle) ? this.#reason : undefined;
  }

  push(record: WaitingRecord): void {
    this.#waiting.push(record);
  }

  /**
   * Opens the next batch, with at least one record; undefined when there is none. Records whose call was answered meanwhile (its
   * deadline passed) are dropped: they were never given to the log. `released` counts the bytes of everything dropped.
   */
  open(limits: BatchLimits, giveUpAt: number): { batch: OpenBatch | undefined; released: number } {
    const records: WaitingRecord[] = [];
    let bytes = 0;
    let released = 0;
    let at = 0;
    for (; at < this.#waiting.length && records.length < limits.records; at++) {
      const next = this.#waiting[at] as WaitingRecord;
      if (next.call.answered) {
        released += next.bytes;
        continue;
      }
      if (records.length > 0 && bytes + next.bytes > limits.bytes) break;
      records.push(next);
      bytes += next.bytes;
    }
    this.#waiting = this.#waiting.slice(at);
    if (records.length === 0) return { batch: undefined, released };
    this.#batch = { records, giveUpAt, encoded: undefined, tries: 0, retryAt: 0, unsure: false };
    return { batch: this.#batch, released };
  }

  /** The open batch is confirmed or refused; gives its records. */
  close(): readonly WaitingRecord[] {
    const records = this.#batch?.records ?? [];
    this.#batch = undefined;
    return records;
  }

  /** The open batch is given up: its records go first again, so that their order stays. */
  putBack(): void {
    this.#waiting = [...this.close(), ...this.#waiting];
  }

  /** As whom, and from which number on, the open batch is sent; undefined where it needs an identity first. */
  sender(): BatchSender | undefined {
    const count = this.#batch?.records.length ?? 0;
    if (this.#identity === undefined || this.#sequence > MAX_SEQUENCE - count) return undefined;
    const sender = { ...this.#identity, sequence: this.#sequence };
    this.#sequence += count;
    return sender;
  }

  /** Whatever was sent before: the next record has this number. */
  identify(identity: ProducerIdentity | undefined, sequence = 0): void {
    this.#identity = identity;
    this.#sequence = sequence;
  }

  /** Forgets what nobody waits for any more; returns its bytes. */
  dropAnswered(): number {
    const answered = this.#waiting.filter(({ call }) => call.answered);
    if (answered.length > 0) this.#waiting = this.#waiting.filter(({ call }) => !call.answered);
    return answered.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  takeAll(): WaitingRecord[] {
    const all = [...this.close(), ...this.#waiting];
    this.#waiting = [];
    return all;
  }
}
