import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodePartition } from './decode-fetch.ts';

type Part = Parameters<typeof decodePartition>[0];
type Batch = NonNullable<Part['records']>[number];

const LOG_APPEND_TIME = 1 << 3;
const TRANSACTIONAL = 1 << 4;
const CONTROL = 1 << 5;

/** A batch of `count` records from `first` on, with what a test wants different. */
function batch(first: number, count: number, changes: Partial<Batch> = {}): Batch {
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
    magic: 2,
    producerId: -1n,
    attributes: 0,
    records,
    ...changes,
  } as Partial<Batch> as Batch;
}

/** The mark that ends a transaction. */
function mark(first: number, producerId: bigint, kind: 'abort' | 'commit'): Batch {
  const ended = batch(first, 1, { attributes: CONTROL | TRANSACTIONAL, producerId });
  for (const record of ended.records) record.key = Buffer.from([0, 0, 0, kind === 'commit' ? 1 : 0]);
  return ended;
}

function answer(...records: Batch[]): Part {
  return { records, abortedTransactions: null } as Partial<Part> as Part;
}

function offsets({ records }: ReturnType<typeof decodePartition>): number[] {
  return records.map(({ record }) => Number(record.offset));
}

test('records before the wanted offset are left out, and the next fetch begins after the last batch', () => {
  const decoded = decodePartition(answer(batch(10, 5), batch(15, 2)), 13n);
  assert.deepEqual(offsets(decoded), [13, 14, 15, 16]);
  assert.equal(decoded.next, 17n);
});

test('a control batch gives no record but is passed', () => {
  const decoded = decodePartition(answer(batch(0, 2), batch(2, 1, { attributes: CONTROL })), 0n);
  assert.deepEqual(offsets(decoded), [0, 1]);
  assert.equal(decoded.next, 3n);
});

test('the time of a record is the time of its writer, or of the log where the topic says so', () => {
  const [, written] = decodePartition(answer(batch(0, 2)), 0n).records;
  assert.equal(written?.record.timestampMs, 1001);
  const [, appended] = decodePartition(answer(batch(0, 2, { attributes: LOG_APPEND_TIME })), 0n).records;
  assert.equal(appended?.record.timestampMs, 5000);
});

test('an empty answer moves nothing', () => {
  assert.deepEqual(decodePartition({ records: null } as Partial<Part> as Part, 7n), { records: [], next: 7n });
});

test('of aborted transactions nothing is read, also where their end is not in the answer, and all else is', () => {
  const [a, b] = [7n, 8n];
  const of = (producerId: bigint) => ({ attributes: TRANSACTIONAL, producerId });
  const part = {
    ...answer(
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
  const decoded = decodePartition(part, 0n);
  assert.deepEqual(offsets(decoded), [2, 3, 5, 6, 9]);
  assert.equal(decoded.next, 12n);
});

test('a batch whose numbers contradict each other is no batch', () => {
  const twice = batch(0, 2);
  for (const record of twice.records) record.offsetDelta = 0;
  const beyond = batch(0, 2, { lastOffsetDelta: 0 });
  const empty = batch(0, 0, { lastOffsetDelta: 4 });
  const old = batch(0, 2, { magic: 1 });
  for (const damaged of [twice, beyond, empty, old]) {
    assert.throws(() => decodePartition(answer(damaged), 0n), /the batch at offset 0 contradicts itself/);
  }
});
