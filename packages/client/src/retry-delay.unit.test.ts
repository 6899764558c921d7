import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readRetryAfter } from './answer.ts';
import { retryDelay } from './retry-delay.ts';

const policy = { firstDelayMs: 200, maxDelayMs: 10_000, deadlineMs: 60_000 };

test('pauses double up to the longest one, and half of each is random', () => {
  const longest = [1, 2, 3, 4, 5, 6, 7, 8, 1000].map((failures) => retryDelay(failures, undefined, policy, () => 1));
  assert.deepEqual(longest, [200, 400, 800, 1600, 3200, 6400, 10_000, 10_000, 10_000]);
  assert.equal(
    retryDelay(3, undefined, policy, () => 0),
    400,
  );
});

test('a Retry-After is waited for in full, with the random part on top, and none silences a client for longer than its deadline', () => {
  assert.equal(
    retryDelay(1, 3000, policy, () => 0),
    3100,
  );
  assert.equal(
    retryDelay(1, 86_400_000, policy, () => 0),
    60_100,
  );
});

test('Retry-After is read as seconds or as a date; what is neither does not count', () => {
  const now = Date.parse('2026-11-23T10:00:00Z');
  for (const [value, ms] of [
    ['0', 0],
    ['120', 120_000],
    ['Mon, 23 Nov 2026 10:00:30 GMT', 30_000],
    ['Mon, 23 Nov 2026 09:00:00 GMT', 0],
    ['soon', undefined],
    ['', undefined],
    [null, undefined],
  ] as const) {
    assert.equal(readRetryAfter(value, now), ms, String(value));
  }
});
