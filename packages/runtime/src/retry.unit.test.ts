import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { backoffMs, sleep, withDeadline } from './retry.ts';

describe('backoffMs', () => {
  test('doubles up to the maximum and takes off at most half', () => {
    const at = (attempt: number, random: number) =>
      backoffMs(attempt, { firstMs: 100, maxMs: 1000, random: () => random });
    assert.deepEqual(
      [0, 1, 2, 3, 4, 1000].map((attempt) => at(attempt, 1)),
      [100, 200, 400, 800, 1000, 1000],
    );
    assert.deepEqual(
      [0, 1, 4].map((attempt) => at(attempt, 0)),
      [50, 100, 500],
    );
  });
});

describe('sleep', () => {
  test('returns at once, without an error, when the signal aborts', async () => {
    const controller = new AbortController();
    const sleeping = sleep(600_000, controller.signal);
    controller.abort();
    await sleeping;
    await sleep(600_000, controller.signal);
  });
});

describe('withDeadline', () => {
  test('passes a result and an error on', async () => {
    assert.equal(await withDeadline(Promise.resolve(1), 1000, () => new Error('late')), 1);
    await assert.rejects(
      withDeadline(Promise.reject(new Error('own')), 1000, () => new Error('late')),
      /own/,
    );
  });

  test('rejects at the deadline, and a later failure of the promise stays quiet', async () => {
    let fail = (_: Error) => {};
    const never = new Promise<void>((_, reject) => (fail = reject));
    await assert.rejects(
      withDeadline(never, 1, () => new Error('late')),
      /late/,
    );
    fail(new Error('much later'));
    await sleep(1);
  });
});
