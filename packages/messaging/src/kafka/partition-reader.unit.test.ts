import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodePartition } from './decode-fetch.ts';
import { PartitionReader } from './partition-reader.ts';

type Part = Parameters<typeof decodePartition>[0];
type Batch = NonNullable<Part['records']>[number];

/** A batch of `count` records from `first` on, whose `attributes` the test chooses. */
function batch(first: number, count: number, attributes = 0): Batch {
  const records = Array.from({ length: count }, (_, n) => ({
    length: 0,
    attributes: 0,
    timestampDelta: BigInt(n),
    offsetDelta: n,
    key: null,
    value: Buffer.from(String(first + n)),
    headers: [] as [Buffer, Buffer][],
  }));
  return {
    firstOffset: BigInt(first),
    lastOffsetDelta: count - 1,
    firstTimestamp: 1000n,
    maxTimestamp: 5000n,
    attributes,
    records,
  } as Partial<Batch> as Batch;
}

function answer(...records: Batch[]): Part {
  return { records } as Partial<Part> as Part;
}

const CONTROL = 1 << 5;
const LOG_APPEND_TIME = 1 << 3;

function offsets(records: readonly { record: { offset: bigint } }[]): number[] {
  return records.map(({ record }) => Number(record.offset));
}

test('records before the wanted offset are left out, and the next fetch begins after the last batch', () => {
  const decoded = decodePartition(answer(batch(10, 5), batch(15, 2)), 13n);
  assert.deepEqual(offsets(decoded.records), [13, 14, 15, 16]);
  assert.equal(decoded.next, 17n);
});

test('a control batch gives no record but is passed', () => {
  const decoded = decodePartition(answer(batch(0, 2), batch(2, 1, CONTROL)), 0n);
  assert.deepEqual(offsets(decoded.records), [0, 1]);
  assert.equal(decoded.next, 3n);
});

test('the time of a record is the time of its writer, or of the log where the topic says so', () => {
  const [, written] = decodePartition(answer(batch(0, 2)), 0n).records;
  assert.equal(written?.record.timestampMs, 1001);
  const [, appended] = decodePartition(answer(batch(0, 2, LOG_APPEND_TIME)), 0n).records;
  assert.equal(appended?.record.timestampMs, 5000);
});

test('an empty answer moves nothing', () => {
  assert.deepEqual(decodePartition({ records: null } as Partial<Part> as Part, 7n), { records: [], next: 7n });
});

test('the claim never passes what was handed out, whatever is buffered behind it', () => {
  const reader = new PartitionReader(0, 0n, 1000);
  reader.deliver(decodePartition(answer(batch(0, 10)), 0n));
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
  reader.deliver(decodePartition(answer(batch(0, 2), batch(2, 1, CONTROL)), 0n));
  reader.take(10, 1000);
  assert.equal(reader.claim, undefined);
  reader.finish(2n);
  assert.equal(reader.claim, 3n);
});

test('control batches behind unfinished records claim nothing', () => {
  const reader = new PartitionReader(0, 0n, 1000);
  reader.deliver(decodePartition(answer(batch(0, 2), batch(2, 1, CONTROL)), 0n));
  reader.take(10, 1000);
  reader.finish(1n);
  assert.equal(reader.claim, 1n);
});

test('a full buffer asks for no more until some of it is handed out', () => {
  const reader = new PartitionReader(0, 0n, 5);
  reader.deliver(decodePartition(answer(batch(0, 8)), 0n));
  assert.equal(reader.isWanting, false);
  reader.take(8, 1000);
  assert.equal(reader.isWanting, true);
  reader.stop('gone');
  assert.equal(reader.isWanting, false);
});
