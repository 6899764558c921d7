import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NewRecord } from '../messaging.ts';
import { partitionForKey } from '../partition-for-key.ts';
import type { PendingAppend } from './append-queue.ts';
import { GroupEncoder } from './encode-group.ts';
import { decodeRecord, encodedBytes, skipRecord } from './record-encoding.ts';

const MIB = 1024 * 1024;

function append(...records: NewRecord[]): PendingAppend {
  const bytes = records.reduce((sum, record) => sum + encodedBytes(record), 0);
  return { records, bytes, deadlineAt: 0, settle: () => {} };
}

function record(key: string, value: string | Buffer): NewRecord {
  return { key: Buffer.from(key), value: Buffer.from(value), headers: [['n', Buffer.from('v')]] };
}

/** Of each chunk the partition, and the keys and values in it. */
function read({ payload, chunks }: ReturnType<GroupEncoder['encode']>): [number, ...string[]][] {
  const source = Buffer.from(payload);
  return chunks.map(({ partition, recordCount, start, end }) => {
    const found: string[] = [];
    let at = start;
    for (; at < end; at = skipRecord(source, at)) {
      const { key, value } = decodeRecord(source, at, 0, 0);
      found.push(`${key}=${value}`);
    }
    assert.deepEqual([found.length, at], [recordCount, end]);
    return [partition, ...found];
  });
}

test('the records of all appends come out partition by partition, in their order', () => {
  const keys = ['a', 'b', 'c', 'd', 'e'];
  const encoder = new GroupEncoder(4);
  const appends = [1, 2, 3].map((n) => append(...keys.map((key) => record(key, `${n}`))));
  const chunks = read(encoder.encode(appends));
  const partitions = [...new Set(keys.map((key) => partitionForKey(Buffer.from(key), 4)))].sort();
  assert.deepEqual(
    chunks.map(([partition]) => partition),
    partitions,
  );
  for (const [partition, ...found] of chunks) {
    const own = keys.filter((key) => partitionForKey(Buffer.from(key), 4) === partition);
    assert.deepEqual(
      found,
      ['1', '2', '3'].flatMap((n) => own.map((key) => `${key}=${n}`)),
    );
  }
});

test('a buffer that came back is used again, and what was in it before is not seen', () => {
  const encoder = new GroupEncoder(1);
  const first = encoder.encode([append(record('k', 'a long value of the first group'))]);
  encoder.giveBack(first.payload);
  const second = encoder.encode([append(record('k', 'short'))]);
  assert.equal(second.payload, first.payload);
  assert.deepEqual(read(second), [[0, 'k=short']]);
});

test('a buffer that is out is not used by the next group, nor one that is too small', () => {
  const encoder = new GroupEncoder(1);
  const first = encoder.encode([append(record('k', 'first'))]);
  encoder.giveBack(first.payload);
  const second = encoder.encode([append(record('k', 'secnd'))]);
  const third = encoder.encode([append(record('k', 'third'))]);
  assert.notEqual(third.payload, second.payload);
  assert.deepEqual([read(second), read(third)], [[[0, 'k=secnd']], [[0, 'k=third']]]);
  encoder.giveBack(second.payload);
  assert.deepEqual(read(encoder.encode([append(record('k', 'longer than before'))])), [[0, 'k=longer than before']]);
});

test('a group without records takes no buffer, and a huge buffer is not kept', () => {
  const encoder = new GroupEncoder(1);
  const huge = encoder.encode([append(record('k', Buffer.alloc(5 * MIB, 'x')))]);
  encoder.giveBack(huge.payload);
  const usual = encoder.encode([append(record('k', 'v'))]);
  assert.notEqual(usual.payload, huge.payload);
  encoder.giveBack(usual.payload);
  assert.equal(encoder.encode([]).payload.byteLength, 0);
  assert.equal(encoder.encode([append(record('k', 'v'))]).payload, usual.payload);
});

test('a large group is cut into chunks', () => {
  const appends = Array.from({ length: 10 }, (_, n) => append(record('k', Buffer.alloc(100 * 1024, `${n}`))));
  const group = new GroupEncoder(1).encode(appends);
  assert.deepEqual(
    group.chunks.map(({ recordCount }) => recordCount),
    [3, 3, 3, 1],
  );
});
