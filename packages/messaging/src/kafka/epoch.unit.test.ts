import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Epoch } from './epoch.ts';
import { waitingRecords } from './test-support.ts';

const LIMITS = { maxRecords: 2, maxBytes: 1000, stop: new AbortController().signal };

/** An epoch with ten records of partition 0 to read. */
function epochWithRecords(): Epoch {
  const epoch = new Epoch({ memberId: 'm', generationId: 1 }, 'id', new Map([[0, 0n]]));
  const sizes = Array.from({ length: 10 }, (_, offset) => [offset, 1] as const);
  epoch.readers.get(0)?.deliver({ runs: [waitingRecords(sizes)], next: 10n, damage: undefined });
  return epoch;
}

test('a commit claims what is below it, for the epoch to commit', () => {
  const epoch = epochWithRecords();
  let finished = 0;
  epoch.nextBatch(LIMITS, () => finished++)?.commit();
  assert.deepEqual(epoch.claims(), new Map([[0, 2n]]));
  assert.equal(finished, 1);
});

test('once the epoch has ended, a commit of its batches claims nothing', () => {
  const epoch = epochWithRecords();
  let finished = 0;
  const batch = epoch.nextBatch(LIMITS, () => finished++);
  assert.equal(batch?.revoked.aborted, false);
  epoch.end();
  assert.equal(batch?.revoked.aborted, true);
  batch?.commit();
  assert.deepEqual(epoch.claims(), new Map());
  assert.equal(finished, 0);
});

test('a second commit of a batch has no effect: the batch after it stays open', () => {
  const epoch = epochWithRecords();
  const first = epoch.nextBatch(LIMITS, () => {});
  first?.commit();
  const second = epoch.nextBatch(LIMITS, () => {});
  assert.equal(second?.nextOffset, 4n);
  first?.commit();
  assert.equal(
    epoch.nextBatch(LIMITS, () => {}),
    undefined,
    'one batch at a time',
  );
  assert.deepEqual(epoch.claims(), new Map([[0, 2n]]));
});
