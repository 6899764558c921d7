import type { KeroError } from './errors.ts';
import type { Logger } from './logger.ts';

/** How long a start waits for a server that is away, unless it is told otherwise: for commands of a person. */
export const START_PATIENCE_MS = 15_000;
/** After this long without an end a person should know what to do about it. */
const REMEDY_AFTER_MS = 15_000;

export interface StartWaitOptions {
  /** Who is waited for, at the beginning of a sentence: `PostgreSQL (db:5432)`. */
  readonly what: string;
  readonly logger: Logger;
  /** In milliseconds; Infinity waits until it is there, or a stop. */
  readonly patienceMs: number;
  /** Milliseconds, monotonic; performance.now by default. */
  readonly now?: () => number;
}

/**
 * The wait for a server at the start, as a person sees it: one line when it begins, one with the remedy when it lasts, one when
 * it is over, whatever the number of attempts.
 */
export class StartWait {
  readonly #options: StartWaitOptions;
  readonly #now: () => number;
  readonly #begin: number;
  #told = false;
  #toldRemedy = false;

  constructor(options: StartWaitOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#begin = this.#now();
  }

  /** Milliseconds until nobody waits any longer; Infinity where that is never. */
  get leftMs(): number {
    return this.#begin + this.#options.patienceMs - this.#now();
  }

  /** An attempt failed, or has gone on in silence for a while. */
  failed(reason: string): void {
    if (this.#told) return;
    this.#told = true;
    const { what, patienceMs, logger } = this.#options;
    const patience = Number.isFinite(patienceMs) ? `waiting for up to ${patienceMs / 1000} s` : 'waiting until it can';
    logger.warn(`${what} cannot be used yet: ${reason}; ${patience}`);
  }

  /** After a failed attempt that another will follow: when the wait has become long, says what a person can do. */
  goesOn({ code, message, remedy }: KeroError): void {
    if (this.#toldRemedy || this.#now() - this.#begin < REMEDY_AFTER_MS) return;
    this.#toldRemedy = true;
    this.#options.logger.error(
      { code },
      `${message}\n${remedy} This process goes on waiting, and is not ready before.`,
    );
  }

  /** The server can be used. */
  over(): void {
    if (!this.#told) return;
    const seconds = Math.round((this.#now() - this.#begin) / 1000);
    this.#options.logger.info(`${this.#options.what} can be used after ${seconds} s`);
  }
}
