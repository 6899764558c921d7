/** A wait that ends at the latest when its deadline is over. */
export interface Deadline {
  readonly endMs: number;
  /** Undefined: it is cleared. */
  onOver: (() => void) | undefined;
}

/**
 * Deadlines that are all equally long, and so end in the order in which they began: one timer for all that wait, in place of one that
 * is set and cleared for each.
 */
export class Deadlines {
  /** Of each, in milliseconds. */
  readonly lengthMs: number;
  readonly #now: () => number;
  /** Oldest first. */
  readonly #waiting = new Set<Deadline>();
  #timer: NodeJS.Timeout | undefined;

  /** `now`: monotonic, in milliseconds. */
  constructor(lengthMs: number, now: () => number = () => performance.now()) {
    this.lengthMs = lengthMs;
    this.#now = now;
  }

  /** `onOver` is called when the deadline is over, unless it is cleared before. */
  start(onOver: () => void): Deadline {
    const deadline: Deadline = { endMs: this.#now() + this.lengthMs, onOver };
    this.#waiting.add(deadline);
    if (!this.#timer) this.#lookIn(this.lengthMs);
    return deadline;
  }

  clear(deadline: Deadline): void {
    this.#waiting.delete(deadline);
    // A Set whose table is made anew leaves the old one behind, with what was in it, until a full garbage collection: what is done
    // must not hang on it, or all that ever waited outlives the collections of the young generation (0026).
    deadline.onOver = undefined;
  }

  #lookIn(ms: number): void {
    this.#timer = setTimeout(this.#look, ms);
    // It outlives what it was set for, and must not keep a process that has nothing else to do.
    this.#timer.unref();
  }

  readonly #look = (): void => {
    this.#timer = undefined;
    const now = this.#now();
    for (const deadline of this.#waiting) {
      if (deadline.endMs > now) {
        this.#lookIn(Math.ceil(deadline.endMs - now));
        return;
      }
      this.#waiting.delete(deadline);
      deadline.onOver?.();
    }
  };
}
