import { setTimeout as delay } from 'node:timers/promises';
import { waitUntil } from '../../test/support/wait-until.ts';
import { type BenchContext, secondsOf } from '../framework/bench.ts';
import type { LoadFigures } from '../load/load.ts';
import type { Program } from '../support/program.ts';
import type { System } from '../systems/system.ts';

const LOOK_EVERY_MS = 200;
const DRAIN_MS = 180_000;

/** Single POSTs to a system, as fast as they are answered or at a rate, one load after the other. */
export class SinglePosts {
  static readonly CONNECTIONS = 64;
  readonly #context: BenchContext;
  readonly #system: System;
  readonly #load: Program;
  #firstNumber = 0;

  constructor(context: BenchContext, system: System, load: Program) {
    this.#context = context;
    this.#system = system;
    this.#load = load;
  }

  /** Rows a second, when as much is sent as is answered. */
  async findPeak(): Promise<number> {
    await this.start(undefined);
    await delay(secondsOf(this.#context, 5, 1) * 1000);
    const startedAt = performance.now();
    const before = await this.#system.stored();
    await delay(secondsOf(this.#context, 10, 2) * 1000);
    const seconds = (performance.now() - startedAt) / 1000;
    const rows = (await this.#system.stored()) - before;
    await this.stop();
    return rows / seconds;
  }

  /** Does something beside a load that has just become steady. */
  async during<T>(rate: number, work: () => Promise<T>): Promise<T> {
    await this.start(rate);
    try {
      await delay(secondsOf(this.#context, 3, 0.5) * 1000);
      return await work();
    } finally {
      await this.stop();
    }
  }

  /** `rate`: requests a second; undefined: as fast as they are answered. */
  start(rate: number | undefined): Promise<void> {
    const { port } = this.#system;
    const connections = SinglePosts.CONNECTIONS;
    return this.#load.call('start', { port, connections, batch: 1, headers: {}, rate, firstNumber: this.#firstNumber });
  }

  take(): Promise<LoadFigures> {
    return this.#load.call('take');
  }

  /** And waits until nothing more is stored: it would be a load for what comes next. */
  async stop(): Promise<LoadFigures> {
    const figures = await this.#load.call<LoadFigures>('stop');
    this.#firstNumber = figures.nextNumber;
    let last = -1;
    await waitUntil(
      async () => {
        const count = await this.#system.stored();
        const isQuiet = count === last;
        last = count;
        if (!isQuiet) await delay(LOOK_EVERY_MS);
        return isQuiet;
      },
      { timeoutMs: DRAIN_MS, what: 'the log to be empty' },
    );
    return figures;
  }
}
