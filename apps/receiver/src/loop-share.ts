/** How long long work may keep the event loop in one of its rounds, in milliseconds. */
const SLICE_MS = 5;

/**
 * Shares the event loop between long work (batches) and everything else: whatever the number of batches is, together they get one
 * slice of time a round. Those that wait for the next one get it in turn.
 *
 *   idle --isSpent() is asked--> in a slice --the round ends--> in the slice of the next that waits, or idle
 */
export class LoopShare {
  readonly #now: () => number;
  readonly #waiting: (() => void)[] = [];
  #sliceEnd = Number.NaN;

  /** `now`: monotonic, in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Whether the work that is under way should wait for its next turn. */
  isSpent(): boolean {
    const now = this.#now();
    // NaN compares as false, too: nobody has worked in this round yet.
    if (now >= this.#sliceEnd) return true;
    if (Number.isNaN(this.#sliceEnd)) this.#begin(now);
    return false;
  }

  /** Resolves when it is the caller's turn, in a later round of the loop. */
  turn(): Promise<void> {
    if (Number.isNaN(this.#sliceEnd)) this.#begin(this.#now());
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  #begin(now: number): void {
    this.#sliceEnd = now + SLICE_MS;
    setImmediate(() => {
      this.#sliceEnd = Number.NaN;
      const next = this.#waiting.shift();
      if (!next) return;
      this.#begin(this.#now());
      next();
    });
  }
}
