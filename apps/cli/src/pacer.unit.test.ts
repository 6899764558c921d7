import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pacer } from './pacer.ts';

const never = new AbortController().signal;

function fakeClock() {
  let nowMs = 0;
  return {
    now: () => nowMs,
    sleep: async (ms: number) => {
      nowMs += ms;
    },
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

test('so many records a second go through, and no more', async () => {
  const clock = fakeClock();
  const pacer = new Pacer(50, clock);
  const begunAt: number[] = [];
  for (let run = 0; run < 5; run++) {
    await pacer.waitFor(10, never);
    begunAt.push(clock.now());
  }
  assert.deepEqual(begunAt, [0, 200, 400, 600, 800]);
});

test('time that was spent elsewhere is not made up for by a burst', async () => {
  const clock = fakeClock();
  const pacer = new Pacer(10, clock);
  await pacer.waitFor(10, never);
  clock.pass(60_000);
  await pacer.waitFor(10, never);
  assert.equal(clock.now(), 60_000);
  await pacer.waitFor(10, never);
  assert.equal(clock.now(), 61_000);
});

test('without a rate nothing waits', async () => {
  const clock = fakeClock();
  const pacer = new Pacer(Number.POSITIVE_INFINITY, clock);
  for (let run = 0; run < 100; run++) await pacer.waitFor(1000, never);
  assert.equal(clock.now(), 0);
});
