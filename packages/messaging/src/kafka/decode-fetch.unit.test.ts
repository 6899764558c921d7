import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONTROL, LENGTH_AT, LENGTH_END, LOG_APPEND_TIME, RECORDS_AT, TRANSACTIONAL } from './batch-format.ts';
import { type Decoded, decodePartition } from './decode-fetch.ts';
import { answerOf, type BatchChanges, encodeBatch, takeAll } from './test-support.ts';

/** A batch of `count` records from `first` on, with what a test wants different. */
function batch(first: number, count: number, changes: BatchChanges = {}): Buffer {
  const records = Array.from({ length: count }, (_, n) => ({
    value: Buffer.from(String(first + n)),
    timestamp: BigInt(1000 + n),
  }));
  return encodeBatch(BigInt(first), records, changes);
}

/** The mark that ends a transaction. */
function mark(first: number, producerId: bigint, kind: 'abort' | 'commit'): Buffer {
  const key = Buffer.from([0, 0, 0, kind === 'commit' ? 1 : 0]);
  return encodeBatch(BigInt(first), [{ key }], { attributes: CONTROL | TRANSACTIONAL, producerId });
}

function offsets({ runs }: Decoded): number[] {
  return takeAll(runs).map(({ offset }) => Number(offset));
}

test('records before the wanted offset are left out, and the next fetch begins after the last batch', () => {
  const decoded = decodePartition(answerOf(batch(10, 5), batch(15, 2)), 13n);
  assert.deepEqual(offsets(decoded), [13, 14, 15, 16]);
  assert.equal(decoded.next, 17n);
  assert.equal(decoded.damage, undefined);
});

test('a batch of which compaction left nothing at its end is passed as a whole', () => {
  const decoded = decodePartition(answerOf(batch(10, 2, { lastOffsetDelta: 7 })), 12n);
  assert.deepEqual(decoded, { runs: [], next: 18n, damage: undefined });
});

test('a control batch gives no record but is passed', () => {
  const decoded = decodePartition(answerOf(batch(0, 2), batch(2, 1, { attributes: CONTROL })), 0n);
  assert.deepEqual(offsets(decoded), [0, 1]);
  assert.equal(decoded.next, 3n);
});

test('the time of a record is the time of its writer, or of the log where the topic says so', () => {
  const [, written] = takeAll(decodePartition(answerOf(batch(0, 2)), 0n).runs);
  assert.equal(written?.timestampMs, 1001);
  const byLog = batch(0, 2, { attributes: LOG_APPEND_TIME, maxTimestamp: 5000n });
  const [, appended] = takeAll(decodePartition(answerOf(byLog), 0n).runs);
  assert.equal(appended?.timestampMs, 5000);
});

test('an empty answer moves nothing', () => {
  assert.deepEqual(decodePartition(answerOf(), 7n), { runs: [], next: 7n, damage: undefined });
});

test('a last batch that is cut off is left for the next fetch', () => {
  const whole = batch(0, 3);
  const next = batch(3, 3);
  for (const length of [1, 11, 12, 60, 61, next.length - 1]) {
    const decoded = decodePartition(answerOf(whole, next.subarray(0, length)), 0n);
    assert.deepEqual(offsets(decoded), [0, 1, 2]);
    assert.equal(decoded.next, 3n);
    assert.equal(decoded.damage, undefined);
  }
});

test('of aborted transactions nothing is read, also where their end is not in the answer, and all else is', () => {
  const [a, b] = [7n, 8n];
  const of = (producerId: bigint) => ({ attributes: TRANSACTIONAL, producerId });
  const answer = {
    ...answerOf(
      batch(0, 2, of(a)), // aborted
      batch(2, 2, of(b)),
      mark(4, a, 'abort'),
      batch(5, 2, of(a)), // committed
      mark(7, b, 'commit'),
      mark(8, a, 'commit'),
      batch(9, 1), // no transaction
      batch(10, 2, of(a)), // aborted later
    ),
    abortedTransactions: [
      { producerId: a, firstOffset: 10n },
      { producerId: a, firstOffset: 0n },
    ],
  };
  const decoded = decodePartition(answer, 0n);
  assert.deepEqual(offsets(decoded), [2, 3, 5, 6, 9]);
  assert.equal(decoded.next, 12n);
});

test('a batch whose numbers contradict each other is no batch; what is before it is read', () => {
  const one = batch(0, 1);
  const twice = Buffer.concat([batch(2, 1, { count: 2, lastOffsetDelta: 1 }), one.subarray(RECORDS_AT)]);
  twice.writeInt32BE(twice.length - LENGTH_END, LENGTH_AT);
  const longer = batch(2, 2);
  longer[RECORDS_AT] = (longer[RECORDS_AT] ?? 0) + 2;
  const nothing = batch(2, 1, { count: -1 }).subarray(0, RECORDS_AT);
  nothing.writeInt32BE(RECORDS_AT - LENGTH_END, LENGTH_AT);
  const damaged = {
    'the same offset twice': twice,
    'an offset beyond the last one': batch(2, 2, { lastOffsetDelta: 0 }),
    'no records': batch(2, 1, { count: 0 }),
    'fewer records than it says': batch(2, 2, { count: 3 }),
    'more records than it says': batch(2, 2, { count: 1 }),
    'a negative count': nothing,
    'a record that is shorter than it says': longer,
    'an old format': batch(2, 2, { format: 1 }),
    'an unknown compression': batch(2, 2, { attributes: 7 }),
    'content that is not compressed as it says': batch(2, 2, { attributes: 1 }),
  };
  for (const [what, bytes] of Object.entries(damaged)) {
    const decoded = decodePartition(answerOf(batch(0, 2), bytes, batch(4, 2)), 0n);
    assert.deepEqual(offsets(decoded), [0, 1], what);
    assert.equal(decoded.next, 2n, what);
    assert.match(decoded.damage ?? '', /the batch at offset 2 (contradicts itself|has the unknown format 1)/, what);
  }
});

test('a first batch that is said to be longer than all there is, or too short to be one, is no batch', () => {
  for (const length of [2 ** 31 - 1, 48, 0, -1, -(2 ** 31)]) {
    const bytes = batch(0, 2);
    bytes.writeInt32BE(length, LENGTH_AT);
    const decoded = decodePartition(answerOf(bytes), 0n);
    assert.match(decoded.damage ?? '', new RegExp(`the batch at offset 0 is said to have ${length} bytes`));
  }
});
