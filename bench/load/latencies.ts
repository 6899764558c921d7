import { createHistogram } from 'node:perf_hooks';

const NS_PER_MS = 1e6;

/** How long things took, from a microsecond to some minutes, to three digits. */
export class Latencies {
  readonly #histogram = createHistogram({ lowest: 1000, highest: 600e9, figures: 3 });

  add(ms: number): void {
    this.#histogram.record(Math.max(1000, Math.round(ms * NS_PER_MS)));
  }

  /** Below it are so many of a hundred; 0 where there are none. */
  percentile(share: number): number {
    return this.#histogram.count === 0 ? 0 : this.#histogram.percentile(share) / NS_PER_MS;
  }

  get maxMs(): number {
    return this.#histogram.count === 0 ? 0 : this.#histogram.max / NS_PER_MS;
  }

  get count(): number {
    return this.#histogram.count;
  }

  clear(): void {
    this.#histogram.reset();
  }
}
