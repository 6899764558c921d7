import { sleep } from '@kero/runtime';

/** Keeps work to so many records a second: waits before a run of them until the ones before it have had their time. */
export class Pacer {
  readonly #perSecond: number;
  readonly #now: () => number;
  readonly #sleep: typeof sleep;
  #freeAt = Number.NEGATIVE_INFINITY;

  /** Infinity never waits. `now` is in milliseconds and never goes back. */
  constructor(perSecond: number, clock: { readonly now?: () => number; readonly sleep?: typeof sleep } = {}) {
    this.#perSecond = perSecond;
    this.#now = clock.now ?? (() => performance.now());
    this.#sleep = clock.sleep ?? sleep;
  }

  /** Returns early when the signal aborts. */
  async waitFor(records: number, stop: AbortSignal): Promise<void> {
    const now = this.#now();
    const begin = Math.max(now, this.#freeAt);
    this.#freeAt = begin + (records / this.#perSecond) * 1000;
    if (begin > now) await this.#sleep(begin - now, stop);
  }
}
