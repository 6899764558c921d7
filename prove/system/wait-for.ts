import { setTimeout as delay } from 'node:timers/promises';

/** Asks until the answer is true. Rejects after the time, naming what was waited for. */
export async function waitFor(
  condition: () => boolean | Promise<boolean>,
  timeoutMs: number,
  what: string,
): Promise<void> {
  const until = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > until) throw new Error(`waited ${Math.round(timeoutMs / 1000)} s in vain for ${what}`);
    await delay(50);
  }
}
