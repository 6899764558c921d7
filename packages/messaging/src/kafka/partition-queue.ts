import type { NewRecord } from '../messaging.ts';
import type { AppendCall } from './append-call.ts';

/** A record that waits to be sent, or is being sent. */
export interface WaitingRecord {
  readonly call: AppendCall;
  /** Its place in the call. */
  readonly index: number;
  readonly record: NewRecord;
  readonly bytes: number;
}

/** What one send may hold at most. */
export interface SendLimits {
  readonly records: number;
  readonly bytes: number;
}

/**
 * Whether the partition takes records:
 *   up --a send of unknown outcome, or the brokers say that it cannot be written--> down
 *   down --the brokers name a leader and enough in-sync replicas--> trial: one send may go out. What brokers say may be old.
 *   trial --confirmed--> up
 *   trial --a send of unknown outcome--> down
 */
export type PartitionState = 'up' | 'down' | 'trial';

/** The records of one partition that wait for its lane, in the order in which they were appended. */
export class PartitionQueue {
  readonly partition: number;
  #state: PartitionState = 'up';
  /** Why it is not up. */
  #reason = '';
  #sending = false;
  #waiting: WaitingRecord[] = [];

  constructor(partition: number) {
    this.partition = partition;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  get state(): PartitionState {
    return this.#state;
  }

  setState(state: PartitionState, reason = ''): void {
    this.#state = state;
    if (reason) this.#reason = reason;
  }

  get isIdle(): boolean {
    return this.isEmpty && !this.#sending;
  }

  /** Why a record that came now would be refused at once. */
  get refusing(): string | undefined {
    return this.#state === 'down' || (this.#state === 'trial' && !this.isIdle) ? this.#reason : undefined;
  }

  push(record: WaitingRecord): void {
    this.#waiting.push(record);
  }

  /**
   * Takes the records of the next send, at least one. Those whose call was answered meanwhile (its deadline passed) are
   * dropped: they were never given to the log. `released` counts the bytes of everything dropped.
   */
  take(limits: SendLimits): { batch: WaitingRecord[]; released: number } {
    const batch: WaitingRecord[] = [];
    let bytes = 0;
    let released = 0;
    let at = 0;
    for (; at < this.#waiting.length && batch.length < limits.records; at++) {
      const next = this.#waiting[at] as WaitingRecord;
      if (next.call.answered) {
        released += next.bytes;
        continue;
      }
      if (batch.length > 0 && bytes + next.bytes > limits.bytes) break;
      batch.push(next);
      bytes += next.bytes;
    }
    this.#waiting = this.#waiting.slice(at);
    this.#sending = batch.length > 0;
    return { batch, released };
  }

  /** The send of what was taken is over. */
  sent(): void {
    this.#sending = false;
  }

  /** After a send of unknown outcome: its records go first again, so that their order stays. */
  putBack(batch: readonly WaitingRecord[]): void {
    this.#waiting = [...batch, ...this.#waiting];
  }

  /** Forgets what nobody waits for any more; returns its bytes. */
  dropAnswered(): number {
    const answered = this.#waiting.filter(({ call }) => call.answered);
    if (answered.length > 0) this.#waiting = this.#waiting.filter(({ call }) => !call.answered);
    return answered.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  takeAll(): WaitingRecord[] {
    const all = this.#waiting;
    this.#waiting = [];
    return all;
  }
}
