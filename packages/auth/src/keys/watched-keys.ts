import { describeError, type HealthState, type Logger, sleep } from '@kero/runtime';
import type { KnownVerdict, Verdict } from '../auth.ts';
import { parseKeyFile } from './key-file.ts';
import { KeyRing } from './key-ring.ts';
import { readKeyFile } from './read-key-file.ts';

export interface WatchedKeysOptions {
  readonly path: string;
  /** How long keys count after the file was last read and found good. */
  readonly maxAgeMs: number;
  readonly logger: Logger;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Monotonic milliseconds. */
  readonly elapsed: () => number;
  readonly pollMs?: number;
}

/** A revocation has its effect within this time and that of one read. */
const POLL_MS = 1000;

/** Rights of others than the owner. */
const OTHERS = 0o077;

const UNREADABLE: Verdict = { outcome: 'unavailable', detail: 'the file of API keys cannot be read' };

/**
 * The keys of a file that may change at any time. The file is read again every second, all of it: times and sizes of files can
 * stay the same over a change, and only reading shows that it can still be read.
 *
 * good --cannot be read--> failing (the keys of before count) --maxAgeMs--> too old (nobody is let in)
 *   ^----------------------- read again --------------------------------------'
 */
export class WatchedKeys implements Disposable {
  readonly #options: WatchedKeysOptions;
  readonly #stop = new AbortController();
  #ring: KeyRing;
  #text: string;
  #mode: number;
  #goodAt: number;
  #failing: string | undefined;
  #saidTooOld = false;

  /** Rejects with KeroError `keys_file_unusable`: without a good file there is no start. */
  static async open(options: WatchedKeysOptions): Promise<WatchedKeys> {
    const { text, mode } = await readKeyFile(options.path);
    const watched = new WatchedKeys(options, text, mode);
    void watched.#watch();
    return watched;
  }

  private constructor(options: WatchedKeysOptions, text: string, mode: number) {
    this.#options = options;
    this.#ring = new KeyRing(parseKeyFile(text, options.path));
    this.#text = text;
    this.#mode = mode;
    this.#goodAt = options.elapsed();
    this.#warnOfRights();
  }

  verify(text: string): Verdict {
    return this.#isTooOld() ? UNREADABLE : this.#ring.verify(text, this.#options.now());
  }

  /** As KeyRing.verifyAgain. */
  verifyAgain(known: KnownVerdict): Verdict | undefined {
    return this.#isTooOld() ? UNREADABLE : this.#ring.verifyAgain(known, this.#options.now());
  }

  countLive(): number {
    return this.#ring.countLive(this.#options.now());
  }

  ageSeconds(): number {
    return (this.#options.elapsed() - this.#goodAt) / 1000;
  }

  health(): HealthState {
    if (!this.#isTooOld()) return { up: true };
    return { up: false, reason: this.#failing ?? 'the file of API keys has not been read for too long' };
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
  }

  #isTooOld(): boolean {
    return this.#options.elapsed() - this.#goodAt > this.#options.maxAgeMs;
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stop;
    for (;;) {
      await sleep(this.#options.pollMs ?? POLL_MS, signal);
      if (signal.aborted) return;
      try {
        this.#take(await readKeyFile(this.#options.path));
      } catch (error) {
        this.#sayFailing(error);
      }
    }
  }

  #take({ text, mode }: { readonly text: string; readonly mode: number }): void {
    const { path, logger } = this.#options;
    const changed = text !== this.#text;
    if (changed) {
      this.#ring = new KeyRing(parseKeyFile(text, path));
      this.#text = text;
    }
    this.#goodAt = this.#options.elapsed();
    if (this.#failing !== undefined) logger.info(`the API keys in ${path} can be read again`);
    this.#failing = undefined;
    this.#saidTooOld = false;
    if (changed) logger.info(`the API keys in ${path} have changed: ${this.countLive()} can be used`);
    if (mode === this.#mode) return;
    this.#mode = mode;
    this.#warnOfRights();
  }

  #sayFailing(error: unknown): void {
    const { logger, maxAgeMs } = this.#options;
    if (this.#failing === undefined) {
      logger.warn(`${describeError(error)}; the keys of before count for ${maxAgeMs / 1000} s from the last good look`);
    }
    this.#failing = describeError(error);
    if (!this.#isTooOld() || this.#saidTooOld) return;
    this.#saidTooOld = true;
    logger.error(`${this.#failing}; requests with an API key get 503 until it can be read again`);
  }

  #warnOfRights(): void {
    if ((this.#mode & OTHERS) === 0) return;
    const mode = this.#mode.toString(8).padStart(4, '0');
    this.#options.logger.warn(
      `the API keys in ${this.#options.path} are open to other users (mode ${mode}): chmod 0600, and let the receiver own it`,
    );
  }
}
