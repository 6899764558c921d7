import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReadPosition } from '@kero/messaging';
import { type SightingInput, sightProgress } from './sight-progress.ts';

/** The log ends at 10 in three partitions. */
const LAG = {
  ageMs: 1000,
  partitions: [0, 1, 2].map((partition) => ({
    partition,
    logStart: 0n,
    logEnd: 10n,
    committed: 5n,
    oldestWaitingMs: 1,
  })),
};

function at(...finished: (number | { stoppedAt: number })[]): ReadPosition[] {
  return finished.map((it, partition) =>
    typeof it === 'number'
      ? { partition, finished: BigInt(it), stopped: undefined }
      : { partition, finished: BigInt(it.stoppedAt), stopped: 'gone' },
  );
}

function see(positions: readonly ReadPosition[] | undefined, input: Partial<SightingInput> & { up?: boolean } = {}) {
  const { up = true, ...rest } = input;
  const health = () => (up ? ({ up: true } as const) : ({ up: false, reason: 'no brokers' } as const));
  const consumer = { positions: () => positions, health };
  return sightProgress({ consumer, lag: LAG, inHand: new Set(), connections: 2, read: 0, ...rest });
}

test('work waits where the log goes on after what was worked through, committed or not', () => {
  assert.equal(see(at(10, 10, 9)).workWaits, true);
  assert.equal(see(at(10, 10, 10)).workWaits, false);
});

test('partitions of other members are theirs to watch', () => {
  assert.equal(see(at(10)).workWaits, false);
});

test('what the database has in hand is no stall, nor what cannot begin because all connections are taken', () => {
  assert.equal(see(at(10, 10, 9), { inHand: new Set([2]) }).workWaits, false);
  assert.equal(
    see(at(10, 9, 9), { inHand: new Set([2]) }).workWaits,
    true,
    'a free connection should take partition 1',
  );
  assert.equal(see(at(9, 9, 9), { inHand: new Set([1, 2]) }).workWaits, false);
});

test('a partition whose records are gone waits for a person, and is no trouble of the consumer', () => {
  assert.deepEqual(
    { ...see(at(10, 10, { stoppedAt: 2 }), { up: false }), progress: '' },
    { workWaits: false, inTrouble: false, progress: '' },
  );
});

test('without a place in the group all that waits for the group waits, and the consumer is in trouble', () => {
  assert.deepEqual(see(undefined), { workWaits: true, inTrouble: true, progress: '0 ' });
  assert.equal(see(at(9, 9, 9), { up: false }).inTrouble, true);
});

test('while the log itself is away nothing is known to wait', () => {
  assert.equal(see(at(0, 0, 0), { lag: undefined }).workWaits, false);
  assert.equal(see(at(0, 0, 0), { lag: { ...LAG, ageMs: 20_001 } }).workWaits, false);
  assert.equal(see(undefined, { lag: { ...LAG, ageMs: 20_001 } }).workWaits, false);
});

test('progress is any record that was finished, any position that moved, any change of what it holds', () => {
  const progress = see(at(1, 1, 1)).progress;
  assert.equal(see(at(1, 1, 1)).progress, progress);
  for (const other of [see(at(1, 1, 2)), see(at(1, 1)), see(undefined), see(at(1, 1, 1), { read: 1 })]) {
    assert.notEqual(other.progress, progress);
  }
});
