import type { KeroError } from '@kero/runtime';
import type { NewRecord } from '../messaging.ts';
import { type MessagingErrorCode, messagingError } from '../messaging-errors.ts';

export type AppendFailure = KeroError<MessagingErrorCode>;

/** The records of one call; they are stored together, or fail together. */
export interface PendingAppend {
  readonly records: readonly NewRecord[];
  /** What they take when they are encoded. */
  readonly bytes: number;
  readonly deadlineAt: number;
  readonly settle: (failure: AppendFailure | undefined) => void;
}

/**
 * The appends that are not confirmed yet, in the order of the calls: first those that wait to be taken by the writer, then
 * (until `finish`) those it has taken. Bounded in bytes. Every append is settled at its deadline at the latest.
 *
 * waiting --take--> taken --finish--> settled
 *    |--deadline--> settled (never written)
 *                     |--deadline--> settled (written or not: unknown), its bytes count until finish
 */
export class AppendQueue {
  readonly #maxBytes: number;
  readonly #onExpired: () => void;
  readonly #waiting = new Set<PendingAppend>();
  /** Taken, and not yet settled. */
  readonly #taken = new Set<PendingAppend>();
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;

  constructor(options: { readonly maxBytes: number; readonly onExpired: () => void }) {
    this.#maxBytes = options.maxBytes;
    this.#onExpired = options.onExpired;
  }

  /** Resolves when the append is settled, to the failure or to undefined for "durable". Never rejects. */
  add(records: readonly NewRecord[], bytes: number, deadlineMs: number): Promise<AppendFailure | undefined> {
    // A single call that is larger than the whole queue is let in when it is alone: it would never fit otherwise.
    if (this.#bytes > 0 && this.#bytes + bytes > this.#maxBytes) {
      const message = `${this.#bytes} bytes of records already wait for the embedded log`;
      return Promise.resolve(messagingError('log_overloaded', message));
    }
    return new Promise((settle) => {
      const deadlineAt = performance.now() + deadlineMs;
      this.#waiting.add({ records, bytes, deadlineAt, settle });
      this.#bytes += bytes;
      this.#arm(deadlineAt);
    });
  }

  /** Takes appends from the front, up to `maxBytes` in sum but at least one when there is one. */
  take(maxBytes: number): PendingAppend[] {
    const appends: PendingAppend[] = [];
    let bytes = 0;
    for (const append of this.#waiting) {
      bytes += append.bytes;
      if (bytes > maxBytes && appends.length > 0) break;
      this.#waiting.delete(append);
      this.#taken.add(append);
      appends.push(append);
    }
    return appends;
  }

  /** Settles appends that were taken; those that expired meanwhile have their answer already. */
  finish(appends: readonly PendingAppend[], failure?: AppendFailure): void {
    for (const append of appends) {
      this.#bytes -= append.bytes;
      if (this.#taken.delete(append)) append.settle(failure);
    }
    if (this.#waiting.size === 0 && this.#taken.size === 0) this.#disarm();
  }

  /** Settles all that still wait. */
  failWaiting(failure: AppendFailure): void {
    for (const append of this.#waiting) {
      this.#bytes -= append.bytes;
      append.settle(failure);
    }
    this.#waiting.clear();
  }

  // One timer for all, set to the earliest deadline there was when it was set: a timer a call would cost more than the call.
  #arm(deadlineAt: number): void {
    if (deadlineAt >= this.#timerAt) return;
    this.#disarm();
    this.#timerAt = deadlineAt;
    this.#timer = setTimeout(() => this.#expire(), Math.max(0, deadlineAt - performance.now()));
  }

  #disarm(): void {
    clearTimeout(this.#timer);
    this.#timerAt = Number.POSITIVE_INFINITY;
  }

  #expire(): void {
    this.#timerAt = Number.POSITIVE_INFINITY;
    const now = performance.now();
    let next = Number.POSITIVE_INFINITY;
    let expired = false;
    for (const set of [this.#waiting, this.#taken]) {
      for (const append of set) {
        if (append.deadlineAt > now) {
          next = Math.min(next, append.deadlineAt);
          continue;
        }
        expired = true;
        set.delete(append);
        if (set === this.#waiting) this.#bytes -= append.bytes;
        append.settle(messagingError('log_unavailable', 'the embedded log did not confirm in time'));
      }
    }
    if (next < Number.POSITIVE_INFINITY) this.#arm(next);
    if (expired) this.#onExpired();
  }
}
