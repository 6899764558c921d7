import { describeError, type Logger } from '@kero/runtime';
import type { LagReader, PartitionLag } from './messaging.ts';

const INTERVAL_MS = 5000;
/** What a scrape waits for at most, and how old a value may be without asking again. */
const FRESH_MS = 1000;
const SCRAPE_PATIENCE_MS = 2000;
/** A leader that changes is no news; this many failures in a row are. */
const FAILURES_BEFORE_WARNING = 3;

export interface LagWatchOptions {
  readonly reader: LagReader;
  readonly logger: Logger;
  readonly intervalMs?: number;
  /** Monotonic, in milliseconds. */
  readonly now?: () => number;
}

export interface KnownLag {
  readonly partitions: readonly PartitionLag[];
  /** How long ago it was read, in milliseconds. */
  readonly ageMs: number;
}

/** Asks the log every few seconds how far the group has come, and keeps the last answer while it gets none. */
export class LagWatch implements AsyncDisposable {
  readonly #reader: LagReader;
  readonly #logger: Logger;
  readonly #now: () => number;
  readonly #timer: NodeJS.Timeout;
  #known: { readonly partitions: readonly PartitionLag[]; readonly at: number } | undefined;
  #asking: Promise<void> | undefined;
  #failures = 0;

  constructor({ reader, logger, intervalMs = INTERVAL_MS, now = () => performance.now() }: LagWatchOptions) {
    this.#reader = reader;
    this.#logger = logger;
    this.#now = now;
    this.#timer = setInterval(() => void this.refresh(), intervalMs);
    this.#timer.unref();
    void this.refresh();
  }

  /** The last answer; undefined before the first one. */
  get known(): KnownLag | undefined {
    return this.#known && { partitions: this.#known.partitions, ageMs: this.#now() - this.#known.at };
  }

  /** Asks now, unless it is asking already. Never rejects. */
  refresh(): Promise<void> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  /** Before a scrape: asks when the last answer is not fresh, and waits a little for the new one. */
  async refreshForScrape(): Promise<void> {
    if (this.#known && this.#now() - this.#known.at < FRESH_MS) return;
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, SCRAPE_PATIENCE_MS);
    });
    await Promise.race([this.refresh(), patience]);
    clearTimeout(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#reader.close();
  }

  async #ask(): Promise<void> {
    try {
      const partitions = await this.#reader.read();
      this.#known = { partitions, at: this.#now() };
      if (this.#failures >= FAILURES_BEFORE_WARNING) this.#logger.info('the lag of the group can be read again');
      this.#failures = 0;
    } catch (error) {
      this.#failures++;
      const reason = describeError(error);
      if (this.#failures === FAILURES_BEFORE_WARNING) {
        this.#logger.warn({ reason }, `the lag of the group is not known, metrics show the last one: ${reason}`);
      } else this.#logger.debug({ reason }, 'the lag of the group could not be read');
    }
  }
}
