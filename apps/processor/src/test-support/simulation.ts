import assert from 'node:assert/strict';
import { databaseError, type EventStore, type StoreBatch } from '@kero/database';
import { createLogger } from '@kero/runtime';
import { PartitionWrites } from '../partition-writes.ts';
import { processEvents } from '../process-events.ts';
import { createProcessorCounts, type ProcessorCounts } from '../processor-counts.ts';
import { ModelConsumer, ModelLog } from './model-log.ts';
import { modelSchemas } from './model-schemas.ts';
import { ModelTables, position } from './model-store.ts';
import { Dice, Schedule, settled } from './schedule.ts';
import { contentOf, NOW, recordsOf, type World } from './world.ts';

const SILENT = createLogger({ level: 'fatal', format: 'json', name: 'test', destination: { write: () => {} } });
/** Far more than any run needs: beyond it something goes round in circles. */
const MAX_STEPS = 50_000;

export interface Member {
  readonly consumer: ModelConsumer;
  readonly counts: ProcessorCounts;
  readonly writes: PartitionWrites;
  readonly stop: AbortController;
  /** Records of the batches that it said it had finished. */
  finished: number;
  /** Writes that are under way. */
  readonly writing: Set<readonly StoreBatch[]>;
  state: 'at work' | 'stopping' | 'stopped' | 'dead';
  failure: unknown;
}

/** Processors, the log between them, and a database, in which everything takes its turn as the dice say. */
export class Simulation {
  readonly world: World;
  readonly dice: Dice;
  readonly schedule: Schedule;
  readonly log: ModelLog;
  readonly tables = new ModelTables(({ eventType }) => eventType === 'evil');
  readonly members: Member[] = [];
  /** Partitions that the database does not take now. */
  readonly stuck = new Set<number>();
  unkind = false;
  isDown = false;
  refusesLetters = false;
  hasNoSchemas = false;
  /** The batches that were to share a transaction with others. */
  readonly shared = new Set<StoreBatch>();

  constructor(world: World) {
    this.world = world;
    this.dice = new Dice(world.seed);
    this.schedule = new Schedule(this.dice);
    this.log = new ModelLog(world.partitions.map(recordsOf), this.schedule, {
      onClaim: (consumer, batch, upTo) => {
        const member = this.members.find((it) => it.consumer === consumer);
        assert.ok(member);
        member.finished += batch.records.length;
        assertAddsUp(member.counts);
        assert.equal(member.counts.read, member.finished, 'what is finished is what is counted as read');
        this.#assertFinished(batch.partition, batch.records[0]?.offset ?? 0n, upTo);
      },
      onCommitted: (partition, from, upTo) => {
        this.#assertFinished(partition, from, upTo);
        assert.ok(upTo <= this.target(partition), 'skipped records are committed with the next stored one');
      },
    });
  }

  /** Up to where a partition is committed when everything is done. */
  target(partition: number): bigint {
    const { records, end } = this.log.partitions[partition] ?? assert.fail();
    if (this.world.commitSkipped) return end;
    const entries = this.world.partitions[partition] ?? [];
    const lastKept = records.findLast((_, index) => entries[index]?.kind !== 'noise');
    return lastKept ? lastKept.offset + 1n : 0n;
  }

  isDone(partition: number): boolean {
    return (this.log.partitions[partition]?.committed ?? 0n) >= this.target(partition);
  }

  get isDrained(): boolean {
    return this.log.partitions.every(({ number }) => this.isDone(number));
  }

  get atWork(): Member[] {
    return this.members.filter(({ state }) => state === 'at work');
  }

  start(): void {
    const member: Member = {
      consumer: new ModelConsumer(this.log),
      counts: createProcessorCounts(),
      writes: new PartitionWrites(() => this.schedule.now),
      stop: new AbortController(),
      finished: 0,
      writing: new Set(),
      state: 'at work',
      failure: undefined,
    };
    this.members.push(member);
    const { connections, batchMaxRecords, commitSkipped } = this.world;
    const settings = {
      ...{ allowedTypes: [], deniedTypes: ['noise'], commitSkipped, batchMaxRecords, connections },
      ...{ batchMaxBytes: 1_000_000, stallAfterMs: 30_000 },
    };
    const deps = {
      ...{ consumer: member.consumer, counts: member.counts, writes: member.writes, store: this.#store(member) },
      eventSettings: { maxFutureMs: 86_400_000, retentionMs: undefined, maxBytes: 262_144 },
      ...{ settings, observeBatch: () => {}, logger: SILENT, now: () => NOW },
      clock: this.schedule.clock(member.consumer),
      schemas: modelSchemas(this.schedule, member.consumer, () => this.hasNoSchemas),
    };
    processEvents(deps, member.stop.signal)
      .then(() => {
        member.state = 'stopped';
        assert.equal(member.writing.size, 0, 'what is in flight is finished before the stop');
        assert.deepEqual([member.writes.pausedCount, member.writes.inHand().size], [0, 0]);
        return member.consumer.close();
      })
      .catch((error: unknown) => {
        member.failure = error;
      });
  }

  stop(member: Member): void {
    member.state = 'stopping';
    member.stop.abort('stopped');
  }

  /** Something that may happen in production at any time. */
  trouble(): void {
    this.unkind = true;
    const member = this.dice.pick(this.atWork);
    switch (this.dice.below(9)) {
      case 0:
        this.isDown = !this.isDown;
        break;
      case 1:
        this.refusesLetters = !this.refusesLetters;
        break;
      case 2:
        this.log.losesCommits = !this.log.losesCommits;
        break;
      case 3:
        this.hasNoSchemas = !this.hasNoSchemas;
        break;
      case 4:
        this.log.rebalance();
        break;
      case 5:
        if (this.atWork.length < 3) this.start();
        break;
      case 6:
        if (member) this.stop(member);
        break;
      case 7:
        if (member) this.#kill(member);
        break;
      default:
        this.stuck.clear();
        for (const { number } of this.log.partitions) if (this.dice.chance(0.3)) this.stuck.add(number);
    }
    if (this.atWork.length === 0) this.start();
  }

  heal(): void {
    this.unkind = false;
    this.isDown = false;
    this.refusesLetters = false;
    this.hasNoSchemas = false;
    this.log.losesCommits = false;
    this.stuck.clear();
  }

  /** So many things happen, if as many can. */
  async pass(steps: number): Promise<void> {
    await settled();
    for (let n = 0; n < steps && !this.schedule.isEmpty; n++) {
      this.assertAllWell();
      await this.schedule.step();
    }
  }

  /** Until `done`; fails when nothing can happen any more, or all that happens leads nowhere. */
  async run(done: () => boolean): Promise<void> {
    await settled();
    for (let steps = 0; !done(); steps++) {
      this.assertAllWell();
      assert.ok(steps < MAX_STEPS, 'it goes round in circles');
      assert.ok(await this.schedule.step(), 'it stands still although there is work');
    }
    this.assertAllWell();
  }

  assertAllWell(): void {
    for (const { failure, counts, state, writing } of this.members) {
      if (failure) throw failure;
      if (state === 'dead') continue;
      assertAddsUp(counts);
      assert.ok(writing.size <= this.world.connections, 'writes side by side at most as many as connections');
    }
  }

  #kill(member: Member): void {
    member.state = 'dead';
    member.consumer.die();
  }

  /** A server that answers late, does not answer, refuses, or is away; what it was given before a death it may still do. */
  #store(member: Member): EventStore {
    const write = <T>(batches: readonly StoreBatch[], act: () => T): Promise<T> =>
      new Promise((resolve, reject) => {
        const underWay = [...member.writing].flat();
        for (const batch of batches) {
          assert.ok(
            !underWay.some(({ logId }) => logId === batch.logId),
            'one write at a time while a partition is held',
          );
          assert.ok(member.writes.inHand().has(batch.logPartition), 'the watchdog knows what the database has in hand');
        }
        member.writing.add(batches);
        const answer = (settle: () => void) => {
          member.writing.delete(batches);
          if (member.state !== 'dead') settle();
        };
        const outcome = this.unkind ? this.dice.pick(['ok', 'ok', 'ok', 'away', 'lost', 'slow', 'hangs']) : 'ok';
        const tookMs = outcome === 'hangs' ? 45_000 : outcome === 'slow' ? 11_000 : 10;
        this.schedule.later(tookMs, this, () => {
          const unavailable = () => reject(databaseError('database_unavailable', 'connection lost'));
          const isStuck = batches.some(({ logPartition }) => this.stuck.has(logPartition));
          if (this.isDown || isStuck || outcome === 'away' || outcome === 'hangs') return answer(unavailable);
          try {
            if (this.refusesLetters && batches.some(({ deadLetters }) => deadLetters.length > 0))
              throw databaseError('data_refused', 'no letters');
            const result = act();
            answer(() => (outcome === 'lost' ? unavailable() : resolve(result)));
          } catch (error) {
            answer(() => reject(error));
          }
        });
      });
    return {
      store: (batch) => write([batch], () => this.tables.write(batch)),
      storeTogether: (batches) => {
        for (const batch of batches) {
          assert.ok(
            !this.shared.has(batch),
            'what was in company once goes alone: one that is stuck holds up others once',
          );
          this.shared.add(batch);
        }
        return write(batches, () => this.tables.writeTogether(batches, () => this.dice.chance(0.1)));
      },
    };
  }

  /** committed <= lowest unfinished: everything in the range is in a table, or was skipped. */
  #assertFinished(partition: number, from: bigint, upTo: bigint): void {
    const entries = this.world.partitions[partition] ?? [];
    const { records } = this.log.partitions[partition] ?? assert.fail();
    for (const [index, { offset }] of records.entries()) {
      if (offset < from || offset >= upTo) continue;
      const { kind, name, data } = entries[index] ?? assert.fail();
      const place = position(partition, offset);
      if (kind === 'noise' || this.tables.letters.has(place)) continue;
      const isThere = this.tables.contents.has(contentOf(partition, { name, data }));
      assert.ok(kind === 'view' && isThere, `the ${kind} at ${place} is neither stored nor a dead letter`);
    }
  }
}

/** read = stored + duplicates + redelivered + skipped + dead letters, at every moment. */
function assertAddsUp({ read, stored, duplicates, redelivered, skipped, deadLetters }: ProcessorCounts): void {
  const letters = [...deadLetters.values()].reduce((a, b) => a + b, 0);
  assert.equal(read, stored + duplicates + redelivered + skipped + letters);
}

export function tablesOf({ tables }: Simulation) {
  return {
    rows: [...tables.events.values()].map(({ position: place, content }) => `${place} ${content}`).sort(),
    letters: [...tables.letters].map(([place, reason]) => [place, reason]).sort(),
  };
}

export function sum(members: readonly Member[], count: (counts: ProcessorCounts) => number): number {
  return members.reduce((total, { counts }) => total + count(counts), 0);
}

/** The back-off is random: here it follows from the seed as well. */
export async function simulate(world: World, story: (simulation: Simulation) => Promise<void>): Promise<void> {
  const simulation = new Simulation(world);
  const { random } = Math;
  Math.random = () => simulation.dice.next();
  try {
    await story(simulation);
  } finally {
    Math.random = random;
  }
}
