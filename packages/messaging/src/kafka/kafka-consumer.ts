import { aborted, backoffMs, type Logger, sleep } from '@kero/runtime';
import type { Consumer, ReadOptions, ReadPosition, RecordBatch } from '../messaging.ts';
import type { Connection } from './client-options.ts';
import { GroupSession } from './group-session.ts';
import { Wakeup } from './wakeup.ts';

const RESTART_BACKOFF = { firstMs: 500, maxMs: 10_000 };
/** A rebalance is no reason to call the consumer down. */
const HEALTH_GRACE_MS = 15_000;

export interface KafkaConsumerOptions {
  readonly connection: Connection;
  readonly topic: string;
  readonly groupId: string;
  readonly sessionTimeoutMs: number;
  readonly logger: Logger;
}

/**
 * Reads as a member of the group, through one session after the other: a session that is broken is closed and the next one
 * starts with the next broker, for as long as it takes. What a broken session had read but not committed is read again.
 *
 * idle --read()--> reading --stop--> stopped (open batches can still be committed) --close()--> closed
 */
export class KafkaConsumer implements Consumer {
  readonly #options: KafkaConsumerOptions;
  readonly #wakeup = new Wakeup();
  readonly #closing = new AbortController();
  #session: GroupSession | undefined;
  #supervision: Promise<void> | undefined;
  #stopped = false;
  #wasReading = false;
  /** Since when nothing was read although sessions came and went (monotonic clock); undefined while one reads. */
  #brokenSince: number | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: KafkaConsumerOptions) {
    this.#options = options;
  }

  async *read(options: ReadOptions): AsyncGenerator<RecordBatch> {
    if (this.#supervision || this.#stopped) throw new Error('read() is to be called once');
    const over = () => options.stop.aborted || this.#closing.signal.aborted;
    if (over()) return;
    this.#supervision = this.#supervise();
    void aborted(options.stop).then(() => this.#wakeup.notify());
    try {
      while (!over()) {
        const batch = this.#session?.nextBatch(options);
        if (batch) yield batch;
        else await this.#wakeup.wait();
      }
    } finally {
      this.#stopped = true;
      this.#session?.stopFetching();
    }
  }

  health(): { readonly up: true } | { readonly up: false; readonly reason: string } {
    if (this.#closing.signal.aborted) return { up: false, reason: 'closed' };
    const problem = this.#session ? this.#session.problem : { reason: 'not reading', forMs: 0 };
    if (!problem) this.#wasReading = true;
    // A new session begins anew, the outage does not.
    const brokenMs = this.#brokenSince === undefined ? 0 : performance.now() - this.#brokenSince;
    if (!problem || (this.#wasReading && Math.max(problem.forMs, brokenMs) < HEALTH_GRACE_MS)) return { up: true };
    return { up: false, reason: problem.reason };
  }

  positions(): readonly ReadPosition[] | undefined {
    return this.#session?.positions;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    this.#wakeup.notify();
    await this.#session?.close();
    await this.#supervision;
  }

  #onReading(): void {
    this.#wasReading = true;
    if (this.#brokenSince === undefined) return;
    const pausedMs = Math.round(performance.now() - this.#brokenSince);
    this.#brokenSince = undefined;
    const { topic, groupId, logger } = this.#options;
    logger.info({ topic, groupId, pausedMs }, `reading from Kafka goes on, after ${pausedMs} ms`);
  }

  async #supervise(): Promise<void> {
    const { topic, groupId, logger } = this.#options;
    const closed = aborted(this.#closing.signal);
    let failures = 0;
    for (let rotation = 0; !this.#closing.signal.aborted; rotation++) {
      const startedAt = performance.now();
      const session = new GroupSession({
        ...this.#options,
        rotation,
        onReady: () => this.#wakeup.notify(),
        onReading: () => this.#onReading(),
      });
      this.#session = session;
      if (this.#stopped) session.stopFetching();
      const reason = await Promise.race([session.run(), closed]);
      if (reason === undefined) return session.close();
      // One line for an outage, not one for every session that it breaks.
      const level = this.#brokenSince === undefined ? 'warn' : 'debug';
      logger[level]({ topic, groupId, reason }, `reading from Kafka is interrupted, joining the group anew: ${reason}`);
      const troubleMs = session.problem?.forMs ?? 0;
      this.#brokenSince ??= performance.now() - (Number.isFinite(troubleMs) ? troubleMs : 0);
      await session.close();
      failures = performance.now() - startedAt > 60_000 ? 0 : failures + 1;
      await sleep(backoffMs(failures, RESTART_BACKOFF), this.#closing.signal);
    }
  }
}
