import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PartitionPosition, positionLag, positionState, whyNotSkip } from './offset-admin.ts';

const at = (logStart: bigint, logEnd: bigint, committed?: bigint): PartitionPosition => ({
  partition: 3,
  logStart,
  logEnd,
  committed,
});

test('a position tells whether what comes next is still there, and how much waits', () => {
  for (const [position, state, lag] of [
    [at(0n, 0n), 'not_started', 0n],
    [at(5n, 9n), 'not_started', 4n],
    [at(0n, 0n, 0n), 'reading', 0n],
    [at(5n, 9n, 5n), 'reading', 4n],
    [at(5n, 9n, 9n), 'reading', 0n],
    [at(9n, 9n, 9n), 'reading', 0n],
    [at(5n, 9n, 4n), 'gone', 4n],
    [at(9n, 9n, 4n), 'gone', 0n],
    [at(5n, 9n, 10n), 'beyond_end', 0n],
  ] as const) {
    assert.equal(positionState(position), state);
    assert.equal(positionLag(position), lag, state);
  }
});

test('only a gap may be skipped, and only the one that was shown', () => {
  assert.equal(whyNotSkip(at(5n, 9n, 4n), 4n), undefined);
  assert.match(whyNotSkip(at(5n, 9n, 3n), 4n) ?? '', /partition 3 has moved since, to 3/);
  for (const position of [at(5n, 9n), at(5n, 9n, 5n), at(5n, 9n, 9n)]) {
    assert.match(whyNotSkip(position, position.committed ?? 0n) ?? '', /there is no gap/);
  }
  assert.match(whyNotSkip(at(5n, 9n, 10n), 10n) ?? '', /lost end.*earliest/);
  assert.match(whyNotSkip(undefined, 0n) ?? '', /no such partition/);
});
