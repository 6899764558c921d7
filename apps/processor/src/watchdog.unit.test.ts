import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Sighting, type Verdict, Watchdog } from './watchdog.ts';

const STALL_MS = 30_000;
const INTERVAL_MS = 1000;

/** A watchdog with a clock, looked at once a second. */
function setUp() {
  const watchdog = new Watchdog({ stallAfterMs: STALL_MS, intervalMs: INTERVAL_MS });
  const stuck = { workWaits: true, inTrouble: false, progress: 'a' };
  let now = 0;
  /** Looks for so many seconds at the same, and gives when it said something, in seconds since the start. */
  const watch = (seconds: number, sighting: Partial<Sighting> = {}): [number, Verdict][] => {
    const verdicts: [number, Verdict][] = [];
    for (let n = 0; n < seconds; n++) {
      const verdict = watchdog.look({ ...stuck, ...sighting, now });
      if (verdict !== 'fine') verdicts.push([now / 1000, verdict]);
      now += INTERVAL_MS;
    }
    return verdicts;
  };
  return {
    watchdog,
    watch,
    sleep: (ms: number) => {
      now += ms;
    },
  };
}

describe('the watchdog', () => {
  test('says nothing while there is no work, however long nothing moves', () => {
    const { watch, watchdog } = setUp();
    assert.deepEqual(watch(10_000, { workWaits: false }), []);
    assert.equal(watchdog.stalledMs, undefined);
  });

  test('says nothing while something moves, however slowly', () => {
    const { watch } = setUp();
    for (let n = 0; n < 100; n++) assert.deepEqual(watch(29, { progress: String(n) }), []);
  });

  test('has the consumer rebuilt after 30 s, three times, and then the process ended', () => {
    const { watch, watchdog } = setUp();
    assert.deepEqual(watch(30), []);
    assert.equal(watchdog.stalledMs, undefined);
    assert.deepEqual(watch(91), [
      [30, 'rebuild'],
      [60, 'rebuild'],
      [90, 'rebuild'],
      [120, 'exit'],
    ]);
    assert.equal(watchdog.stalledMs, 120_000);
  });

  test('is content as soon as something moves; rebuilds long ago do not count', () => {
    const { watch, watchdog } = setUp();
    for (let round = 0; round < 20; round++) {
      const verdicts = watch(31, { progress: `stuck ${round}` });
      assert.deepEqual(
        verdicts.map(([, verdict]) => verdict),
        ['rebuild'],
      );
      assert.ok(watchdog.stalledMs !== undefined);
      watch(100, { progress: `moved ${round}`, workWaits: false });
      assert.equal(watchdog.stalledMs, undefined);
    }
  });

  test('ends the process when four stalls come within five minutes, although each rebuild helped', () => {
    const { watch } = setUp();
    const verdicts: Verdict[] = [];
    for (let round = 0; round < 4; round++) {
      verdicts.push(...watch(31, { progress: `stuck ${round}` }).map(([, verdict]) => verdict));
      watch(10, { progress: `moved ${round}`, workWaits: false });
    }
    assert.deepEqual(verdicts, ['rebuild', 'rebuild', 'rebuild', 'exit']);
  });

  test('gives a consumer that knows of its trouble ten times as long, and its full time once it is over', () => {
    const { watch } = setUp();
    assert.deepEqual(watch(290, { inTrouble: true }), []);
    assert.deepEqual(watch(29), [], 'the trouble is over');
    assert.deepEqual(watch(1), [[319, 'rebuild']]);
    const later = setUp();
    assert.deepEqual(later.watch(301, { inTrouble: true }), [[300, 'rebuild']]);
  });

  test('does not take a stop of the whole process for a stall', () => {
    const { watch, sleep } = setUp();
    watch(5);
    sleep(90_000);
    assert.deepEqual(watch(20), []);
  });
});

test('whatever is seen: it never acts without 30 s of work that waited and did not move, and never forgets to', () => {
  const sighting = fc.record({
    stepMs: fc.oneof({ weight: 9, arbitrary: fc.constant(INTERVAL_MS) }, { weight: 1, arbitrary: fc.nat(100_000) }),
    workWaits: fc.boolean(),
    moves: fc.boolean(),
    inTrouble: fc.boolean(),
    repeat: fc.integer({ min: 1, max: 60 }),
  });
  fc.assert(
    fc.property(fc.array(sighting, { maxLength: 40 }), (sightings) => {
      const watchdog = new Watchdog({ stallAfterMs: STALL_MS, intervalMs: INTERVAL_MS });
      let now = 0;
      let progress = 0;
      let stuckMs = 0;
      let quietMs = 0;
      const rebuilds: number[] = [];
      let first = true;
      for (const { stepMs, workWaits, moves, inTrouble, repeat } of sightings) {
        for (let n = 0; n < repeat; n++) {
          now += stepMs;
          if (moves) progress++;
          const verdict = watchdog.look({ now, workWaits, inTrouble, progress: String(progress) });
          const ran = Math.min(stepMs, 2 * INTERVAL_MS);
          const stuck = !first && workWaits && !moves;
          first = false;
          stuckMs = stuck ? stuckMs + ran : 0;
          quietMs = stuck && !inTrouble ? quietMs + ran : 0;
          assert.ok(verdict === 'fine' || stuckMs >= STALL_MS, `${verdict} after ${stuckMs} ms`);
          assert.ok(verdict !== 'fine' || quietMs < STALL_MS, `silent after ${quietMs} ms`);
          if (verdict === 'exit') {
            assert.ok(rebuilds.length >= 3, 'it exits only after three rebuilds');
            return;
          }
          if (verdict === 'rebuild') rebuilds.push(now);
          if (verdict !== 'fine') {
            quietMs = 0;
            stuckMs = 0;
            assert.ok(watchdog.stalledMs !== undefined);
          }
          if (!stuck) assert.equal(watchdog.stalledMs, undefined);
        }
      }
    }),
    { numRuns: 300 },
  );
});
