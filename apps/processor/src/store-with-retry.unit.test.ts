import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { databaseError, type EventStore, type StoreBatch } from '@kero/database';
import { createLogger } from '@kero/runtime';
import fc from 'fast-check';
import { PartitionWrites } from './partition-writes.ts';
import { Room } from './room.ts';
import { storeWithRetry } from './store-with-retry.ts';
import { directStore, LOG_ID, ModelTables, modelEvent, modelLetter } from './test-support/model-store.ts';
import { WriteLanes } from './write-lanes.ts';

const FIRST_MS = 50;
const MAX_MS = 5000;

/** How one call of the store ends: not at all, stored but the answer got lost, stored; and after how long. */
interface Answer {
  readonly ends: 'away' | 'misconfigured' | 'lost' | 'stored';
  readonly tookMs: number;
}
const answer: fc.Arbitrary<Answer> = fc.record({
  ends: fc.constantFrom('away', 'away', 'misconfigured', 'lost', 'stored'),
  tookMs: fc.constantFrom(1, 100, 10_001, 45_000),
});

/** Time passes by itself: each wait is over at once, and is written down. */
function setUp(answers: readonly Answer[]) {
  const place = new Room(1).place(1);
  void place.take();
  const stop = new AbortController();
  const tables = new ModelTables(({ eventType }) => eventType === 'evil');
  const lines: { level: string; msg: string }[] = [];
  const waits: { ms: number; placeFree: boolean }[] = [];
  const sizes: number[] = [];
  let now = 0;
  let taken = 1;
  const { take, leave } = place;
  place.leave = () => {
    taken--;
    leave();
  };
  place.take = async () => {
    await take();
    taken++;
  };
  const weather = answers.values();
  const onWait: (() => void)[] = [];
  const writes = new PartitionWrites(() => now);
  const store = directStore((part: StoreBatch) => {
    assert.equal(taken, 1, 'a write has a place');
    assert.ok(writes.inHand().has(part.logPartition), 'however many parts there are, each is an attempt of its own');
    const { ends, tookMs } = weather.next().value ?? { ends: 'stored', tookMs: 1 };
    sizes.push(part.events.length + part.deadLetters.length);
    now += tookMs;
    if (ends === 'away') throw databaseError('database_unavailable', 'connection refused');
    if (ends === 'misconfigured') throw databaseError('database_misconfigured', 'no such table');
    const result = tables.write(part);
    if (ends === 'lost') throw databaseError('database_unavailable', 'connection lost');
    return result;
  });
  const context = {
    giveUp: stop.signal,
    place,
    writes,
    logger: createLogger({
      level: 'info',
      format: 'json',
      name: 'test',
      destination: { write: (line) => void lines.push(JSON.parse(line)) },
    }),
    clock: {
      now: () => now,
      sleep: async (ms: number, signal?: AbortSignal) => {
        assert.equal(signal, stop.signal, 'a stop does not wait for the next attempt');
        waits.push({ ms, placeFree: taken === 0 });
        assert.equal(writes.pausedCount, 1, 'while it waits the partition is paused');
        now += ms;
        onWait.shift()?.();
      },
    },
  };
  return { store, lanes: lanesOf(store), tables, waits, sizes, lines, writes, context, stop, onWait, place };
}

function lanesOf(store: EventStore): WriteLanes {
  return new WriteLanes(store, { lanes: 1, maxRecords: 100 });
}

const contents = fc.array(fc.constantFrom('good', 'good', 'good', 'bad', 'garbage'), {
  minLength: 1,
  maxLength: 30,
  size: 'max',
});

function batchOf(kinds: readonly string[]): StoreBatch {
  const offsets = kinds.map((kind, index) => ({ kind, offset: BigInt(index) }));
  return {
    logId: LOG_ID,
    logPartition: 0,
    events: offsets
      .filter(({ kind }) => kind !== 'garbage')
      .map(({ kind, offset }) => modelEvent(offset, { type: kind === 'bad' ? 'evil' : 'view' })),
    deadLetters: offsets.filter(({ kind }) => kind === 'garbage').map(({ offset }) => modelLetter(offset)),
  };
}

describe('storeWithRetry', () => {
  test('through any outage: tries until all is stored, counts every record once, waits within bounds and without its place', async () => {
    await fc.assert(
      fc.asyncProperty(contents, fc.array(answer, { maxLength: 40, size: 'max' }), async (kinds, answers) => {
        const t = setUp(answers);
        const result = await storeWithRetry(t.lanes, batchOf(kinds), t.context);
        assert.ok(result, 'it does not give up by itself');
        const bad = kinds.filter((kind) => kind === 'bad').length;
        const garbage = kinds.filter((kind) => kind === 'garbage').length;
        assert.equal(t.tables.events.size, kinds.length - bad - garbage);
        assert.equal([...t.tables.letters.values()].filter((reason) => reason === 'refused_by_database').length, bad);
        assert.equal(t.tables.letters.size, bad + garbage);
        const { stored, duplicates, redelivered, deadLetters } = result;
        const letters = [...deadLetters.values()].reduce((a, b) => a + b, 0);
        assert.equal(stored + duplicates + redelivered + letters, kinds.length, 'every record is counted once');

        const failures = answers.slice(0, t.sizes.length).filter(({ ends }) => ends !== 'stored').length;
        assert.ok(t.waits.length <= failures, 'only a failure is waited for');
        for (const [attempt, { ms, placeFree }] of t.waits.entries()) {
          const full = Math.min(MAX_MS, FIRST_MS * 2 ** attempt);
          assert.ok(ms >= full / 2 && ms <= full, `wait ${attempt}: ${ms} ms`);
          assert.ok(placeFree, 'others may write meanwhile');
        }
        const said = t.lines.map(({ msg }) => msg.replace(/:.*| after .*/s, ''));
        const paused = ['partition paused, its events wait in the log', 'partition resumed'];
        assert.deepEqual(said, t.waits.length > 0 ? paused : [], 'one line when it pauses, one when it resumes');
        assert.deepEqual([t.writes.pausedCount, t.writes.inHand().size], [0, 0]);
        assert.equal(
          [...t.writes.retries.values()].reduce((a, b) => a + b, 0),
          t.waits.length,
        );
      }),
      { numRuns: 1000 },
    );
  });

  test('an attempt that took long before it failed is followed by smaller ones, down to single records', async () => {
    const slow = { ends: 'away', tookMs: 45_000 } as const;
    const t = setUp([slow, slow, slow, slow]);
    const result = await storeWithRetry(t.lanes, batchOf(Array.from({ length: 8 }, () => 'good')), t.context);
    assert.deepEqual(t.sizes, [8, 4, 2, 1, 1, 1, 2, 4]);
    assert.equal(result?.stored, 8);
  });

  test('gives up at the stop: no attempt after it, nothing to commit, its place back and its pause over', async () => {
    const away: Answer = { ends: 'away', tookMs: 1 };
    await fc.assert(
      fc.asyncProperty(contents, fc.integer({ min: 1, max: 20 }), async (kinds, tries) => {
        const t = setUp(Array.from({ length: 100 }, () => away));
        t.onWait.push(...Array.from({ length: tries - 1 }, () => () => {}), () => t.stop.abort());
        assert.equal(await storeWithRetry(t.lanes, batchOf(kinds), t.context), undefined);
        assert.equal(t.store.calls.length, tries, 'tries until the stop, and not once more');
        assert.equal(t.tables.events.size, 0);
        assert.deepEqual([t.writes.pausedCount, t.writes.inHand().size], [0, 0]);
        t.place.leave();
        await t.place.take();
      }),
      { numRuns: 300 },
    );
  });

  test('stopped before it began it does nothing', async () => {
    const t = setUp([]);
    t.stop.abort();
    assert.equal(await storeWithRetry(t.lanes, batchOf(['good']), t.context), undefined);
    assert.equal(t.store.calls.length, 0);
  });

  test('an error that is not one of ours is a bug: it is not tried again', async () => {
    const t = setUp([]);
    const broken = { ...t.store, store: () => Promise.reject(new TypeError('undefined is not a function')) };
    await assert.rejects(storeWithRetry(lanesOf(broken), batchOf(['good']), t.context), TypeError);
    assert.equal(t.waits.length, 0);
    assert.equal(t.writes.inHand().size, 0);
  });

  test('a dead letter that is refused makes the partition wait, until it is taken', async () => {
    const t = setUp([]);
    let refusals = 12;
    const store = directStore((part) => {
      if (part.deadLetters.length > 0 && refusals-- > 0) throw databaseError('data_refused', 'no letters here');
      return t.tables.write(part);
    });
    const result = await storeWithRetry(lanesOf(store), batchOf(['good', 'bad', 'good', 'garbage']), t.context);
    assert.ok(result && t.waits.length > 0);
    assert.deepEqual([t.tables.events.size, t.tables.letters.size], [2, 2]);
  });
});
