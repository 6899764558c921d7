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

/** The records of one partition that wait for its lane, in the order in which they were appended. */
export class PartitionQueue {
  readonly partition: number;
  /** Why the partition is known to take no records now. */
  down: string | undefined;
  #waiting: WaitingRecord[] = [];

  constructor(partition: number) {
    this.partition = partition;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
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
    return { batch, released };
  }

  /** After a send of unknown outcome: its records go first again, so that their order stays. */
  putBack(batch: readonly WaitingRecord[]): void {
    this.#waiting = [...batch, ...this.#waiting];
  }

  takeAll(): WaitingRecord[] {
    const all = this.#waiting;
    this.#waiting = [];
    return all;
  }
}
