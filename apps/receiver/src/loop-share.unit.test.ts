import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LoopShare } from './loop-share.ts';

/** A clock that moves only when work is done. */
function newLoop() {
  let time = 0;
  const share = new LoopShare(() => time);
  const work = async (name: string, steps: number, log: string[]) => {
    for (let step = 0; step < steps; step++) {
      if (share.isSpent()) await share.turn();
      time += 1;
      log.push(name);
    }
  };
  return { share, work };
}

test('short work is done at once', async () => {
  const { work } = newLoop();
  const log: string[] = [];
  const done = work('a', 5, log);
  assert.equal(log.length, 5);
  await done;
});

test('long work is interrupted, and what waits for the loop gets between', async () => {
  const { work } = newLoop();
  const log: string[] = [];
  const done = work('a', 20, log);
  setImmediate(() => log.push('other'));
  await done;
  // One slice in this round, and one before the other in the next.
  assert.equal(log.indexOf('other'), 10);
});

test('many works share one slice a round, and take turns', async () => {
  const { work } = newLoop();
  const log: string[] = [];
  let round = 0;
  const perRound: number[] = [];
  let before = 0;
  const count = () => {
    perRound.push(log.length - before);
    before = log.length;
    if (++round < 30) setImmediate(count);
  };
  const all = ['a', 'b', 'c'].map((name) => work(name, 20, log));
  setImmediate(count);
  await Promise.all(all);
  assert.equal(log.length, 60);
  assert.ok(Math.max(...perRound) <= 10, `${perRound}`);
  // Each had its turn before the first was done.
  const firstDone = log.lastIndexOf('a');
  for (const name of ['b', 'c']) assert.ok(log.indexOf(name) < firstDone);
});

test('the share is free again when nobody worked in a round', async () => {
  const { work, share } = newLoop();
  await work('a', 5, []);
  assert.equal(share.isSpent(), true);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(share.isSpent(), false);
});
