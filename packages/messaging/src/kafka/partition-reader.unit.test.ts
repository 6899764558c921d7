import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Decoded } from './decode-fetch.ts';
import { PartitionReader } from './partition-reader.ts';

/** `count` records of one byte from `first` on, and behind them `passed` offsets that hold no record for us. */
function decoded(first: number, count: number, passed = 0): Decoded {
  const records = Array.from({ length: count }, (_, n) => ({
    record: { offset: BigInt(first + n), timestampMs: 0, key: null, value: Buffer.from('v'), headers: [] },
    bytes: 1,
  }));
  return { records, next: BigInt(first + count + passed) };
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

test('a full buffer asks for no more until some of it is handed out', () => {
  const reader = new PartitionReader(0, 0n, 5);
  reader.deliver(decoded(0, 8));
  assert.equal(reader.isWanting, false);
  reader.take(8, 1000);
  assert.equal(reader.isWanting, true);
  reader.stop('gone');
  assert.equal(reader.isWanting, false);
});
