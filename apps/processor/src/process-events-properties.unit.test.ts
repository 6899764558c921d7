import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { sightProgress } from './sight-progress.ts';
import { simulate, sum, tablesOf } from './test-support/simulation.ts';
import { type Entry, expectedTables, type World } from './test-support/world.ts';

/** Each is another order of things. For a longer look: SIMULATION_RUNS=100000. */
const RUNS = Number(process.env.SIMULATION_RUNS ?? 1000);

const entry: fc.Arbitrary<Entry> = fc.record({
  kind: fc.constantFrom('view', 'view', 'view', 'view', 'noise', 'evil', 'garbage', 'tombstone'),
  name: fc.nat(5),
  data: fc.constantFrom(0, 0, 0, 1),
  gap: fc.constantFrom(0, 0, 0, 2),
});
const partitions = fc.array(fc.array(entry, { maxLength: 10, size: 'max' }), { minLength: 1, maxLength: 5 });

function world(troubles: fc.Arbitrary<number>): fc.Arbitrary<World> {
  return fc.record({
    seed: fc.integer(),
    partitions,
    connections: fc.integer({ min: 1, max: 3 }),
    batchMaxRecords: fc.integer({ min: 1, max: 8 }),
    commitSkipped: fc.boolean(),
    troubles,
  });
}

describe('processors, their log and their database, in an order that the dice choose', () => {
  test('through any troubles: no offset is committed below unfinished work, counts add up, and in the end all is there once', async () => {
    await fc.assert(
      fc.asyncProperty(world(fc.integer({ min: 0, max: 15 })), (given) =>
        simulate(given, async (simulation) => {
          simulation.start();
          for (let n = 0; n < given.troubles; n++) {
            await simulation.pass(simulation.dice.below(12));
            simulation.trouble();
          }
          simulation.heal();
          if (simulation.atWork.length === 0) simulation.start();
          await simulation.run(() => simulation.isDrained);
          for (const member of simulation.atWork) simulation.stop(member);
          await simulation.run(() => simulation.schedule.isEmpty);

          assert.deepEqual(tablesOf(simulation), expectedTables(given));
          const { members } = simulation;
          assert.ok(members.every(({ state }) => state === 'stopped' || state === 'dead'));
          assert.ok(sum(members, ({ stored }) => stored) <= simulation.tables.events.size);
        }),
      ),
      { numRuns: RUNS },
    );
  });

  test('without troubles every record is counted as what became of it', async () => {
    let shared = 0;
    await fc.assert(
      fc.asyncProperty(world(fc.constant(0)), (given) =>
        simulate(given, async (simulation) => {
          simulation.start();
          await simulation.run(() => simulation.schedule.isEmpty);
          const { rows, letters } = expectedTables(given);
          const entries = given.partitions.flat();
          const skipped = entries.filter(({ kind }) => kind === 'noise').length;
          const { counts, consumer, writes } = simulation.atWork[0] ?? assert.fail();
          // To isolate a bad record tries nothing twice that was stored.
          assert.deepEqual(
            [counts.read, counts.stored, counts.skipped, counts.redelivered],
            [entries.length, rows.length, skipped, 0],
          );
          for (const reason of ['conflict', 'not_an_event', 'refused_by_database'] as const) {
            assert.equal(counts.deadLetters.get(reason) ?? 0, letters.filter(([, it]) => it === reason).length);
          }
          const partitions = simulation.log.partitions.map(({ number, committed, end }) => ({
            ...{ partition: number, committed, logStart: 0n, logEnd: end, oldestWaitingMs: undefined },
          }));
          const lag = { partitions, ageMs: 0 };
          const sight = sightProgress({ consumer, lag, inHand: writes.inHand(), connections: 1, read: counts.read });
          assert.equal(sight.workWaits, false, 'the watchdog sees that all is done, skipped records too');
          shared += simulation.shared.size;
        }),
      ),
      { numRuns: RUNS },
    );
    assert.ok(shared > RUNS / 10, 'batches share transactions');
  });

  test('partitions that the database does not take do not stop the others, however few connections there are', async () => {
    await fc.assert(
      fc.asyncProperty(world(fc.constant(0)), fc.nat(2), (given, free) =>
        simulate(given, async (simulation) => {
          const numbers = simulation.log.partitions.map(({ number }) => number);
          const freed = free % numbers.length;
          for (const number of numbers) if (number !== freed) simulation.stuck.add(number);
          simulation.start();
          await simulation.run(() => simulation.isDone(freed));
          simulation.heal();
          await simulation.run(() => simulation.isDrained);
        }),
      ),
      { numRuns: RUNS / 2 },
    );
  });

  test('a stop during an outage ends by itself, commits nothing, and the next start stores what was left', async () => {
    await fc.assert(
      fc.asyncProperty(world(fc.constant(0)), fc.nat(20), fc.nat(20), (given, before, during) =>
        simulate(given, async (simulation) => {
          simulation.start();
          await simulation.pass(before);
          if (simulation.dice.chance(0.7)) simulation.isDown = true;
          else simulation.hasNoSchemas = true;
          await simulation.pass(during);
          for (const member of simulation.atWork) simulation.stop(member);
          await simulation.run(() => simulation.schedule.isEmpty);
          assert.ok(simulation.members.every(({ state }) => state === 'stopped'));
          simulation.heal();
          simulation.start();
          await simulation.run(() => simulation.isDrained);
          assert.deepEqual(tablesOf(simulation), expectedTables(given));
        }),
      ),
      { numRuns: RUNS / 2 },
    );
  });
});
