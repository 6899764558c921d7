import { schemaError } from '../schema-errors.ts';

const MAX_RUNNING = 8;
const MAX_WAITING = 200;
/** Types that were never asked for before; a burst of them, and then so many a second. */
const NEW_TYPES_BURST = 200;
const NEW_TYPES_A_SECOND = 50;

/**
 * Stands between the types that clients send and the registry: few questions at a time, and of types that nobody knows only so many a
 * second, so that somebody who invents types cannot flood the registry.
 */
export class FetchGate {
  readonly #now: () => number;
  #running = 0;
  readonly #waiting: (() => void)[] = [];
  #tokens = NEW_TYPES_BURST;
  #countedAt: number;

  /** `now`: monotonic, in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
    this.#countedAt = now();
  }

  /** Throws `schemas_unavailable` when there were too many new types. */
  admitNewType(): void {
    const now = this.#now();
    this.#tokens = Math.min(NEW_TYPES_BURST, this.#tokens + ((now - this.#countedAt) / 1000) * NEW_TYPES_A_SECOND);
    this.#countedAt = now;
    if (this.#tokens < 1) throw schemaError('schemas_unavailable', 'too many event types that were never seen before');
    this.#tokens--;
  }

  /** Runs `work` when it is its turn. Rejects with `schemas_unavailable` when too many wait already. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= MAX_RUNNING) {
      if (this.#waiting.length >= MAX_WAITING)
        throw schemaError('schemas_unavailable', 'too many schemas are being asked for');
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#running++;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }
}
