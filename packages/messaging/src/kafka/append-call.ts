import type { KeroError } from '@kero/runtime';
import { AppendError, type MessagingErrorCode, messagingError } from '../messaging-errors.ts';

export type AppendFailure = KeroError<MessagingErrorCode>;

/**
 * One call of Producer.append: gathers how each of its records ended, and answers once, when all have or when the deadline
 * has passed.
 *
 * waiting --all records settled, or deadline--> answered. Nothing changes after that; the lane drops what still waits of it.
 */
export class AppendCall {
  /** On the monotonic clock. */
  readonly startedAt = performance.now();
  readonly promise: Promise<void>;
  readonly #settled: Uint8Array;
  /** By index, once there is one. */
  #failures: Map<number, AppendFailure> | undefined;
  readonly #deadline: NodeJS.Timeout;
  #open: number;
  #answered = false;
  #resolve: () => void = () => {};
  #reject: (error: AppendError) => void = () => {};

  /** `onMissed` is called when the deadline passes before all is settled. */
  constructor(records: number, deadlineMs: number, onMissed: (call: AppendCall) => void) {
    this.#settled = new Uint8Array(records);
    this.#open = records;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#deadline = setTimeout(() => {
      onMissed(this);
      const message = `the log did not confirm the record within ${deadlineMs} ms`;
      this.failRest(messagingError('log_unavailable', message));
    }, deadlineMs);
  }

  get answered(): boolean {
    return this.#answered;
  }

  /** The record is durable, or failed for good. */
  settle(index: number, failure?: AppendFailure): void {
    if (this.#answered || this.#settled[index] === 1) return;
    this.#settled[index] = 1;
    this.#open--;
    if (failure) {
      this.#failures ??= new Map();
      this.#failures.set(index, failure);
    }
    if (this.#open === 0) this.#answer();
  }

  /** Every record that is not settled yet fails, which answers the call. */
  failRest(failure: AppendFailure): void {
    for (let index = 0; index < this.#settled.length; index++) this.settle(index, failure);
  }

  #answer(): void {
    this.#answered = true;
    clearTimeout(this.#deadline);
    if (this.#failures === undefined) this.#resolve();
    else this.#reject(new AppendError(new Map([...this.#failures].sort(([a], [b]) => a - b))));
  }
}
