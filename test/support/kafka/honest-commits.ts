import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { type Committed, CommittedWatch } from './committed-watch.ts';
import type { KafkaCluster } from './kafka-cluster.ts';
import { readTopic } from './kafka-console.ts';

/** What is in the database at one moment: event ids, and the places of dead letters as `PARTITION:OFFSET`. */
export interface Stored {
  readonly eventIds: readonly string[];
  readonly letters: readonly string[];
}

export interface HonestCommitsOptions {
  readonly kafka: KafkaCluster;
  readonly groupId: string;
  readonly topic: string;
  readonly readStored: () => Promise<Stored>;
}

/**
 * Looks again and again at what the group has committed, and right after that at what the database holds. In the end an
 * independent reader tells what the topic holds: at each look every record below the committed offset had to be in the
 * database, as an event or as a dead letter.
 */
export class HonestCommits {
  readonly #options: HonestCommitsOptions;
  readonly #watch: CommittedWatch;
  readonly #looks: Committed[] = [];
  /** In which look each was there for the first time. */
  readonly #firstSeen = new Map<string, number>();

  constructor(t: TestContext, options: HonestCommitsOptions) {
    this.#options = options;
    this.#watch = new CommittedWatch(t, options, (committed) => this.#look(committed));
  }

  get latest(): Committed {
    return this.#watch.latest;
  }

  /** Checks every look, and that the committed offsets never went back. Tells the places of the records that are no events. */
  async check(): Promise<{ looks: number; garbage: string[] }> {
    await this.#watch.stop();
    this.#watch.assertNoRewind();
    const { kafka, topic } = this.#options;
    const records = (await readTopic(kafka, topic)).map(({ partition, offset, value }) => {
      const eventId = /"event_id":"([^"]+)"/.exec(String(value))?.[1];
      const place = `${partition}:${offset}`;
      return { partition, offset, place, eventId, firstSeen: this.#firstSeen.get(eventId ?? place) };
    });
    for (const [look, committed] of this.#looks.entries()) {
      for (const { partition, offset, firstSeen = Number.POSITIVE_INFINITY } of records) {
        if (BigInt(offset) >= (committed.get(partition) ?? 0n)) continue;
        const what = `offset ${offset} of partition ${partition}, below the committed ${committed.get(partition)}`;
        assert.ok(firstSeen <= look, `${what} in look ${look} of ${this.#looks.length}, is not stored`);
      }
    }
    const garbage = records.filter(({ eventId }) => eventId === undefined).map(({ place }) => place);
    return { looks: this.#looks.length, garbage };
  }

  async #look(committed: Committed): Promise<void> {
    const { eventIds, letters } = await this.#options.readStored();
    for (const key of [...eventIds, ...letters]) {
      if (!this.#firstSeen.has(key)) this.#firstSeen.set(key, this.#looks.length);
    }
    this.#looks.push(committed);
  }
}
