import { setTimeout as delay } from 'node:timers/promises';

/** Waits, or returns early (without throwing) when the signal aborts. */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, signal ? { signal } : undefined);
  } catch (error) {
    if (!signal?.aborted) throw error;
  }
}

/** Time as it passes; tests bring their own. */
export interface Clock {
  /** Monotonic, in milliseconds. */
  readonly now: () => number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
}

export const systemClock: Clock = { now: () => performance.now(), sleep };

export interface BackoffOptions {
  readonly firstMs: number;
  readonly maxMs: number;
  /** 0..1, for tests; Math.random otherwise. */
  readonly random?: () => number;
}

/**
 * How long to wait before attempt `attempt` (0 = the first retry): doubles from `firstMs` up to `maxMs`, of which a
 * random half is taken off, so that many waiters do not come back in the same moment.
 */
export function backoffMs(attempt: number, { firstMs, maxMs, random = Math.random }: BackoffOptions): number {
  const full = Math.min(maxMs, firstMs * 2 ** Math.min(attempt, 30));
  return full / 2 + (full / 2) * random();
}

/**
 * Settles as the promise does, or rejects with `onTimeout()` after `ms`. The promise itself goes on: its late rejection is
 * swallowed here, so that it cannot end the process as an unhandled one.
 */
export async function withDeadline<T>(promise: Promise<T>, ms: number, onTimeout: () => Error): Promise<T> {
  promise.catch(() => {});
  let timer: NodeJS.Timeout | undefined;
  try {
    return await Promise.race([
      promise,
      new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(onTimeout()), ms);
      }),
    ]);
  } finally {
    clearTimeout(timer);
  }
}
