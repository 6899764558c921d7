import { backoffMs, type Logger, sleep, withDeadline } from '@kero/runtime';
import { Admin } from '@platformatic/kafka';
import { messagingError } from '../messaging-errors.ts';
import { type Connection, clientOptions } from './client-options.ts';
import { reasonOf } from './kafka-errors.ts';
import { readTopicState, type TopicState } from './topic-state.ts';
import { Wakeup } from './wakeup.ts';

const INTERVAL_MS = 3000;
const ANSWER_DEADLINE_MS = 3000;
const RETRY_BACKOFF = { firstMs: 300, maxMs: 2000 };
/** One broker that hangs is not the log: the second try begins at another one. */
const FAILURES_UNTIL_AWAY = 2;

export interface TopicWatchOptions {
  readonly connection: Connection;
  readonly topic: string;
  readonly logger: Logger;
  /** The brokers have answered. Undefined: they know no such topic. */
  readonly onState: (state: TopicState | undefined) => void;
  /** They have not answered, at least for the second time in a row; called again as long as they do not. */
  readonly onAway: (unanswered: Unanswered) => void;
}

export interface Unanswered {
  readonly reason: string;
  /** When the newest question was asked that got no answer (monotonic clock): what was confirmed after it knows better. */
  readonly askedAt: number;
}

/**
 * Asks the brokers every few seconds how the topic is, and at once when a connection breaks: so that an outage is known before
 * somebody waits for it, and its end although nobody sends.
 *
 *   answering --no answer twice in a row, from different brokers--> away --an answer--> answering
 */
export class TopicWatch {
  readonly #options: TopicWatchOptions;
  readonly #closing = new AbortController();
  readonly #wakeup = new Wakeup();
  readonly #done: Promise<void>;
  #client: Admin;
  #rotation = 0;
  #away: Unanswered | undefined;
  #awaySince = 0;

  constructor(options: TopicWatchOptions) {
    this.#options = options;
    this.#client = this.#newClient();
    this.#done = this.#run();
  }

  /** Undefined while the brokers answer. */
  get away(): Unanswered | undefined {
    return this.#away;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#wakeup.notify();
    await this.#dropClient();
    await this.#done;
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#closing.signal.aborted) {
      const askedAt = performance.now();
      try {
        const late = () => messagingError('log_unavailable', `no broker answered within ${ANSWER_DEADLINE_MS} ms`);
        const asked = readTopicState(this.#client, this.#options.topic);
        const state = await withDeadline(asked, ANSWER_DEADLINE_MS, late);
        failures = 0;
        this.#answered();
        this.#options.onState(state);
      } catch (error) {
        if (this.#closing.signal.aborted) return;
        if (failures++ === 0) this.#awaySince = askedAt;
        if (failures >= FAILURES_UNTIL_AWAY) this.#unanswered({ reason: reasonOf(error), askedAt });
        this.#rotation++;
        void this.#dropClient();
        this.#client = this.#newClient();
        await sleep(backoffMs(failures - 1, RETRY_BACKOFF), this.#closing.signal);
        continue;
      }
      await this.#wakeup.wait(INTERVAL_MS);
    }
  }

  #unanswered(unanswered: Unanswered): void {
    const { topic, logger, onAway } = this.#options;
    const { reason } = unanswered;
    if (!this.#away) logger.warn({ topic, reason }, `Kafka does not answer: ${reason}`);
    this.#away = unanswered;
    onAway(unanswered);
  }

  #answered(): void {
    if (!this.#away) return;
    this.#away = undefined;
    const { topic, logger } = this.#options;
    const awayMs = Math.round(performance.now() - this.#awaySince);
    logger.info({ topic, awayMs }, `Kafka answers again, after ${awayMs} ms`);
  }

  async #dropClient(): Promise<void> {
    await this.#client.close().catch(() => {});
  }

  #newClient(): Admin {
    const client = new Admin({
      ...clientOptions(this.#options.connection, 'watch', this.#rotation),
      retries: 0,
      connectTimeout: 1500,
      requestTimeout: ANSWER_DEADLINE_MS,
    });
    client.on('error', () => {});
    client.on('client:broker:disconnect', () => this.#wakeup.notify());
    return client;
  }
}
