import type { TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { type Messaging, type NewRecord, openMessaging } from '@kero/messaging';
import { eventBody } from '../post-events.ts';
import { collectingLogger } from './collecting-logger.ts';
import type { KafkaCluster } from './kafka-cluster.ts';
import { kafkaConfig } from './kafka-config.ts';

const KEYS = 40;
const GARBAGE_EVERY = 20;
const BATCH = 20;

/**
 * Appends events to a topic at a steady pace, as a receiver does, with a record now and then that is no event. Brokers that
 * are away only make it wait: what was not confirmed is appended again, so that everything it counts is in the topic.
 */
export class EventFeed {
  /** Event ids that are confirmed. */
  readonly ids: string[] = [];
  readonly #messaging: Messaging;
  readonly #stop = new AbortController();
  /** Aborted when the test is over: what is not confirmed by then is not appended again, for the brokers may be gone. */
  readonly #over = new AbortController();
  readonly #running: Promise<void>;

  private constructor(messaging: Messaging, prefix: string, pauseMs: number) {
    this.#messaging = messaging;
    this.#running = this.#run(prefix, pauseMs);
  }

  /** Twenty records at a time, with a pause between, until it is stopped or the test is over. */
  static async start(
    t: TestContext,
    kafka: KafkaCluster,
    topic: string,
    { prefix = 'event', pauseMs = 20 } = {},
  ): Promise<EventFeed> {
    const messaging = await openMessaging(kafkaConfig(kafka, topic), collectingLogger());
    const feed = new EventFeed(messaging, prefix, pauseMs);
    t.after(() => {
      feed.#over.abort();
      // Node leaves out the hooks behind one that throws.
      return feed.stop().catch(() => {});
    });
    return feed;
  }

  /** Resolves when the last append is confirmed. */
  async stop(): Promise<void> {
    this.#stop.abort();
    try {
      await this.#running;
    } finally {
      await this.#messaging.close();
    }
  }

  async #run(prefix: string, pauseMs: number): Promise<void> {
    const producer = await this.#messaging.producer();
    for (let n = 0; !this.#stop.signal.aborted; ) {
      const batch: NewRecord[] = [];
      const ids: string[] = [];
      for (; batch.length < BATCH; n++) {
        const userId = `user-${n % KEYS}`;
        const isEvent = n % GARBAGE_EVERY !== 7;
        if (isEvent) ids.push(`${prefix}-${n}`);
        const value = isEvent ? eventBody(`${prefix}-${n}`, { user_id: userId }) : `garbage ${prefix}-${n}`;
        batch.push({ key: Buffer.from(userId), value: Buffer.from(value), headers: [] });
      }
      const append = () =>
        producer.append(batch, { deadlineMs: 5000 }).then(
          () => true,
          () => false,
        );
      while (!(await append())) {
        if (this.#over.signal.aborted) return;
        await pause(200);
      }
      this.ids.push(...ids);
      await pause(pauseMs);
    }
  }
}
