import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Admin } from '@platformatic/kafka';
import type { KafkaCluster } from './kafka-cluster.ts';

/** What the group had committed at one moment, by partition. */
export type Committed = ReadonlyMap<number, bigint>;

export interface WatchedGroup {
  readonly kafka: KafkaCluster;
  readonly groupId: string;
  readonly topic: string;
}

/**
 * Asks the brokers again and again what a group has committed, from outside, until it is stopped or the test is over.
 * While they cannot be asked it goes on trying.
 */
export class CommittedWatch {
  readonly samples: Committed[] = [];
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  /** `onSample` is called right after each sample, and waited for. */
  constructor(
    t: TestContext,
    group: WatchedGroup,
    onSample: (committed: Committed) => void | Promise<void> = () => {},
  ) {
    this.#running = this.#run(group, onSample);
    // Node leaves out the hooks behind one that throws.
    t.after(() => this.stop().catch(() => {}));
  }

  get latest(): Committed {
    return this.samples.at(-1) ?? new Map();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** A committed offset went back: what was finished would be read again. */
  assertNoRewind(): void {
    for (const [index, sample] of this.samples.entries()) {
      for (const [partition, before] of this.samples[index - 1] ?? []) {
        const after = sample.get(partition) ?? -1n;
        assert.ok(
          after >= before,
          `the committed offset of partition ${partition} went back from ${before} to ${after}`,
        );
      }
    }
  }

  async #run(
    { kafka, groupId, topic }: WatchedGroup,
    onSample: (committed: Committed) => void | Promise<void>,
  ): Promise<void> {
    for (let rotation = 0; !this.#stop.signal.aborted; rotation++) {
      const first = rotation % kafka.brokers.length;
      const brokers = [...kafka.brokers.slice(first), ...kafka.brokers.slice(0, first)];
      const options = { retries: 0, connectTimeout: 1000, requestTimeout: 2000 };
      const admin = new Admin({ clientId: 'kero-test-watch', bootstrapBrokers: brokers, ...options });
      admin.on('error', () => {});
      try {
        while (!this.#stop.signal.aborted) {
          const groups = await admin.listConsumerGroupOffsets({ groups: [groupId] });
          const found = groups.flatMap((group) => group.topics).find(({ name }) => name === topic);
          const committed = new Map(
            found?.partitions.map(({ partitionIndex, committedOffset }) => [partitionIndex, committedOffset]),
          );
          await onSample(committed);
          this.samples.push(committed);
          await delay(100);
        }
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error;
        await delay(200);
      } finally {
        await admin.close().catch(() => {});
      }
    }
  }
}
