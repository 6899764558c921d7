/** A wait that ends at the latest when its deadline is over. */
export interface Deadline {
  readonly endMs: number;
  /** Undefined: it is cleared. */
  onOver: (() => void) | undefined;
  /** Those that began before and after it, of those that wait. */
  previous: Deadline | undefined;
  next: Deadline | undefined;
}

/**
 * Deadlines that are all equally long, and so end in the order in which they began: one timer for all that wait, in place of one that
 * is set and cleared for each. They are a list and not a Set: a Set whose table is made anew leaves the old table behind, with what was in it and
 * the way to the next one, until a full garbage collection, so that all that ever waited outlives the collections of the young generation (0026).
 */
export class Deadlines {
  /** Of each, in milliseconds. */
  readonly lengthMs: number;
  readonly #now: () => number;
  #oldest: Deadline | undefined;
  #newest: Deadline | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** `now`: monotonic, in milliseconds. */
  constructor(lengthMs: number, now: () => number = () => performance.now()) {
    this.lengthMs = lengthMs;
    this.#now = now;
  }

  /** `onOver` is called when the deadline is over, unless it is cleared before. */
  start(onOver: () => void): Deadline {
    const deadline: Deadline = { endMs: this.#now() + this.lengthMs, onOver, previous: this.#newest, next: undefined };
    if (this.#newest) this.#newest.next = deadline;
    else this.#oldest = deadline;
    this.#newest = deadline;
    if (!this.#timer) this.#lookIn(this.lengthMs);
    return deadline;
  }

  /** Does nothing where it is over already, or cleared. */
  clear(deadline: Deadline): void {
    const { previous, next } = deadline;
    if (previous) previous.next = next;
    else if (this.#oldest === deadline) this.#oldest = next;
    else return;
    if (next) next.previous = previous;
    else this.#newest = previous;
    deadline.previous = undefined;
    deadline.next = undefined;
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
    for (let deadline = this.#oldest; deadline; deadline = this.#oldest) {
      if (deadline.endMs > now) {
        this.#lookIn(Math.ceil(deadline.endMs - now));
        return;
      }
      const { onOver } = deadline;
      this.clear(deadline);
      onOver?.();
    }
  };
}
