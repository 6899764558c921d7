import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Decoded } from './decode-fetch.ts';
import { PartitionReader } from './partition-reader.ts';
import { waitingRecords } from './test-support.ts';

/** `count` records of one byte from `first` on, and behind them `passed` offsets that hold no record for us. */
function decoded(first: number, count: number, passed = 0): Decoded {
  const sizes = Array.from({ length: count }, (_, n) => [first + n, 1] as const);
  return { runs: [waitingRecords(sizes)], next: BigInt(first + count + passed), damage: undefined };
}

test('the claim never passes what was handed out, whatever is buffered behind it', () => {
  const reader = new PartitionReader(0, 0n, 1000);
  reader.deliver(decoded(0, 10));
  assert.equal(reader.position, 10n);
  assert.equal(reader.claim, undefined);
  const { records, nextOffset } = reader.take(4, 1000);
  assert.equal(records.length, 4);
  assert.equal(nextOffset, 4n);
  assert.equal(reader.isReady, false, 'one batch at a time');
  assert.equal(reader.claim, undefined);
  reader.finish(100n);
  assert.equal(reader.claim, 4n);
  reader.confirmCommit(4n);
  assert.equal(reader.claim, undefined);
});

test('control batches at the end of the log are finished when all before them is', () => {
  const reader = new PartitionReader(0, 0n, 1000);
  reader.deliver(decoded(0, 2, 1));
  reader.take(10, 1000);
  assert.equal(reader.claim, undefined);
  reader.finish(2n);
  assert.equal(reader.claim, 3n);
});

test('control batches behind unfinished records claim nothing', () => {
  const reader = new PartitionReader(0, 0n, 1000);
  reader.deliver(decoded(0, 2, 1));
  reader.take(10, 1000);
  reader.finish(1n);
  assert.equal(reader.claim, 1n);
});

test('a full buffer asks for no more until some of it is handed out, and reads ahead while that is worked on', () => {
  const reader = new PartitionReader(0, 0n, 5);
  reader.deliver(decoded(0, 8));
  assert.equal(reader.isWanting, false);
  reader.take(8, 1000);
  assert.equal(reader.isWanting, true);
  reader.stop('gone');
  assert.equal(reader.isWanting, false);
});

test('what several fetches brought goes into one batch, in order and within its bounds', () => {
  const reader = new PartitionReader(0, 0n, 10_000);
  for (let first = 0; first < 12; first += 3) reader.deliver(decoded(first, 3));
  const numbers = ({ records }: ReturnType<typeof reader.take>) => records.map(({ offset }) => Number(offset));
  const first = reader.take(7, 1000);
  assert.deepEqual(numbers(first), [0, 1, 2, 3, 4, 5, 6]);
  assert.equal(first.nextOffset, 7n);
  reader.deliver(decoded(12, 3));
  reader.finish(7n);
  assert.deepEqual(numbers(reader.take(100, 4)), [7, 8, 9, 10]);
  reader.finish(11n);
  assert.deepEqual(numbers(reader.take(100, 1000)), [11, 12, 13, 14]);
});

test('many small runs fill the buffer although their records are small', () => {
  const reader = new PartitionReader(0, 0n, 10_000);
  for (let offset = 0; offset < 20; offset++) reader.deliver(decoded(offset, 1));
  assert.equal(reader.isWanting, false);
  reader.take(10, 1000);
  assert.equal(reader.isWanting, true);
});
