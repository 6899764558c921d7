import type { Logger } from '@kero/runtime';

/** How long after the last failure the brokers are believed that they take records. */
const TRUST_AFTER_MS = 10_000;

/** Why the lane is not known to take records, and since when (monotonic clock). */
export interface Trouble {
  readonly reason: string;
  readonly since: number;
}

/** What a lane knows of the log from its own sends: when it was well, and since when it is not. One log line a trouble, and one at its end. */
export class LaneHealth {
  readonly #topic: string;
  readonly #logger: Logger;
  #confirmedAt = performance.now();
  #failedAt = Number.NEGATIVE_INFINITY;
  #trouble: Trouble | undefined;
  /** Since when batches are given up (monotonic clock); for the log lines. */
  #failingSince: number | undefined;

  constructor(topic: string, logger: Logger) {
    this.#topic = topic;
    this.#logger = logger;
  }

  /** When the log last confirmed something (monotonic clock). */
  get confirmedAt(): number {
    return this.#confirmedAt;
  }

  /** `quiet`: nothing waits and no partition is down. Without records to try it with, what the brokers say has to do: else nobody would send any more. */
  trouble(quiet: boolean): Trouble | undefined {
    return quiet && performance.now() - this.#failedAt > TRUST_AFTER_MS ? undefined : this.#trouble;
  }

  confirmed(partition: number): void {
    this.#confirmedAt = performance.now();
    this.#trouble = undefined;
    if (this.#failingSince === undefined) return;
    const failedMs = Math.round(this.#confirmedAt - this.#failingSince);
    this.#failingSince = undefined;
    const where = { topic: this.#topic, partition, failedMs };
    this.#logger.info(where, `the log confirms records again, after ${failedMs} ms`);
  }

  /** A batch was given up: nobody knows whether it is stored. */
  failed(partition: number, records: number, reason: string): void {
    // One line for an outage, not one for every batch that it breaks.
    const level = this.#failingSince === undefined ? 'warn' : 'debug';
    this.#failingSince ??= performance.now();
    this.#logger[level](
      { topic: this.#topic, partition, records, reason },
      `the log did not confirm records, trying again with the next broker: ${reason}`,
    );
    this.suspect(reason);
    this.#failedAt = performance.now();
  }

  refused(partition: number, records: number, reason: string): void {
    this.#logger.error({ topic: this.#topic, partition, records, reason }, 'the log refused records for good');
  }

  /** The log is not known to be well any more. */
  suspect(reason: string, since = performance.now()): void {
    this.#trouble ??= { reason, since };
  }
}
