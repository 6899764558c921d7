import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SmallRun } from './evidence-for-tests.ts';
import { calmAvailability, rewinds } from './figures.ts';

test('availability counts what was sent while no fault was active nor had just been', () => {
  const run = new SmallRun();
  run.send('ok');
  run.send('unknown', { outcome: 'unknown' });
  const evidence = run.evidence();
  assert.deepEqual(calmAvailability(evidence), { sent: 2, ok: 1 });
  const fault = { number: 1, name: 'any', detail: '', failure: undefined };
  const during = (from: number, until: number) =>
    calmAvailability({ ...evidence, faults: [{ ...fault, from, until }] }).sent;
  assert.equal(during(900, 1100), 0);
  assert.equal(during(1005, 1100), 0, 'it began before the answer');
  assert.equal(during(-9000, -3500), 0, 'it had just ended');
  assert.equal(during(-9000, -4000), 2);
});

test('a rewind is a commit below the one before it, of the same partition', () => {
  const commit = (partition: number, offset: number, at: number) => ({ partition, offset, at });
  assert.equal(rewinds([commit(0, 5, 1), commit(1, 3, 2), commit(0, 8, 3), commit(0, 8, 4)]), 0);
  assert.equal(rewinds([commit(0, 8, 3), commit(0, 5, 4), commit(0, 9, 5), commit(1, 2, 9)]), 1);
});
