import type { Clock } from '@kero/runtime';

/** Numbers from 0 (inclusive) to 1, the same for the same seed (mulberry32). */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(items: readonly T[]): T | undefined {
    return items[this.below(items.length)];
  }
}

interface Pending {
  readonly at: number;
  readonly owner: unknown;
  readonly happen: () => void;
}

/**
 * What may happen next, and a clock that only moves when something does. The dice choose: what is due early may happen late,
 * but nothing happens early.
 */
export class Schedule {
  readonly dice: Dice;
  #now = 0;
  #pending: Pending[] = [];

  constructor(dice: Dice) {
    this.dice = dice;
  }

  get now(): number {
    return this.#now;
  }

  get isEmpty(): boolean {
    return this.#pending.length === 0;
  }

  /** `owner` is for forget(). */
  later(afterMs: number, owner: unknown, happen: () => void): void {
    this.#pending.push({ at: this.#now + afterMs, owner, happen });
  }

  /** Nothing of the owner happens any more. */
  forget(owner: unknown): void {
    this.#pending = this.#pending.filter((it) => it.owner !== owner);
  }

  /** One thing happens, and all that follows from it at once; false when there is nothing. */
  async step(): Promise<boolean> {
    const [next] = this.#pending.splice(this.dice.below(this.#pending.length), 1);
    if (!next) return false;
    this.#now = Math.max(this.#now, next.at);
    next.happen();
    await settled();
    return true;
  }

  clock(owner: unknown): Clock {
    return {
      now: () => this.#now,
      sleep: (ms, signal) =>
        new Promise((resolve) => {
          if (signal?.aborted) return resolve();
          signal?.addEventListener('abort', () => resolve(), { once: true });
          this.later(ms, owner, resolve);
        }),
    };
  }
}

/** Resolves when every promise that can settle by itself has. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
