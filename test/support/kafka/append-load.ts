import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { NewRecord, Producer } from '@kero/messaging';
import type { ConsoleRecord } from './kafka-console.ts';

export interface LoadOptions {
  readonly keys: number;
  /** Pause of each key between two appends. */
  readonly pauseMs: number;
  readonly deadlineMs: number;
}

/**
 * Appends for many keys side by side, as clients do: each key counts up, sends its next number only after the one before
 * was confirmed, and sends the same again while nobody knows how it ended. What was confirmed is kept for the check.
 */
export class AppendLoad {
  /** By key: how many numbers were confirmed. */
  readonly confirmed = new Map<string, number>();
  failures = 0;
  longestMs = 0;
  readonly #stop = new AbortController();
  readonly #running: Promise<unknown>;

  /** It ends with the test at the latest. */
  constructor(t: TestContext, producer: Producer, options: LoadOptions) {
    const keys = Array.from({ length: options.keys }, (_, n) => `key-${n}`);
    this.#running = Promise.all(keys.map((key) => this.#appendFor(key, producer, options)));
    t.after(() => this.stop());
  }

  /** Every key finishes its append first. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  get total(): number {
    return [...this.confirmed.values()].reduce((sum, count) => sum + count, 0);
  }

  async #appendFor(key: string, producer: Producer, { pauseMs, deadlineMs }: LoadOptions): Promise<void> {
    this.confirmed.set(key, 0);
    while (!this.#stop.signal.aborted) {
      const number = this.confirmed.get(key) ?? 0;
      const record: NewRecord = { key: Buffer.from(key), value: Buffer.from(`${key}:${number}`), headers: [] };
      const startedAt = performance.now();
      try {
        await producer.append([record], { deadlineMs });
        this.confirmed.set(key, number + 1);
      } catch {
        this.failures++;
      }
      this.longestMs = Math.max(this.longestMs, performance.now() - startedAt);
      await delay(pauseMs);
    }
  }

  /**
   * Nothing confirmed is missing in the topic, and of each key the numbers appear first in their order. Returns how many
   * records are there more than once.
   */
  check(records: readonly ConsoleRecord[]): { duplicates: number } {
    const seen = new Map<string, string[]>();
    let duplicates = 0;
    for (const { key, value } of records) {
      const values = seen.get(String(key)) ?? [];
      seen.set(String(key), values);
      if (values.includes(String(value))) duplicates++;
      else values.push(String(value));
    }
    for (const [key, count] of this.confirmed) {
      const expected = Array.from({ length: count }, (_, number) => `${key}:${number}`);
      // The last one of a key may be there without having been confirmed.
      assert.deepEqual((seen.get(key) ?? []).slice(0, count), expected, `the confirmed records of ${key}, in order`);
    }
    return { duplicates };
  }
}
