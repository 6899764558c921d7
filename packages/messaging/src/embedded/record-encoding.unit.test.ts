import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { NewRecord } from '../messaging.ts';
import { mixedSharing, unshared } from '../sharing-test-support.ts';
import { encodeRecords } from './append-protocol.ts';
import { contentBytes, decodeRecord, encodedBytes, sizeAt, skipRecord } from './record-encoding.ts';

const bytes = fc.uint8Array({ maxLength: 300 }).map((data) => Buffer.from(data));
// A lone surrogate has no UTF-8 form: no header name can hold one.
const headerName = fc.string({ unit: 'grapheme', maxLength: 40 });
const newRecord = fc.record({
  key: bytes,
  value: bytes,
  headers: fc.array(fc.tuple(headerName, bytes), { maxLength: 6 }),
});

test('records come out of a chunk as they went in, one after the other', () => {
  fc.assert(
    fc.property(fc.array(newRecord, { minLength: 1, maxLength: 10 }), (records) => {
      const chunk = encodeRecords(records);
      let at = 0;
      for (const [index, record] of records.entries()) {
        const { offset, timestampMs, key, value, headers } = decodeRecord(chunk, at, 1000 + index, 42);
        assert.deepEqual({ offset, timestampMs }, { offset: BigInt(1000 + index), timestampMs: 42 });
        assert.deepEqual({ key, value, headers }, { ...record });
        at = skipRecord(chunk, at);
      }
      assert.equal(at, chunk.length);
    }),
  );
});

test('headers that records share make the very same bytes, and count as much, as headers of their own', () => {
  fc.assert(
    fc.property(mixedSharing(newRecord), (records) => {
      const own = records.map(unshared);
      assert.deepEqual(encodeRecords(records), encodeRecords(own));
      const sizes = (of: readonly NewRecord[]) =>
        of.map((one) => [encodedBytes(one), contentBytes(one, encodedBytes(one))]);
      assert.deepEqual(sizes(records), sizes(own));
    }),
  );
});

test('the limit of a record counts key, value, and names and values of headers', () => {
  const record = {
    key: Buffer.from('key'),
    value: Buffer.from('value'),
    headers: [['ü', Buffer.from('12345')]] as const,
  };
  assert.equal(contentBytes(record, encodedBytes(record)), 3 + 5 + 2 + 5);
});

test('the size of an encoded record can be read without decoding it', () => {
  const record = { key: Buffer.from('key'), value: Buffer.from('value'), headers: [] };
  assert.equal(sizeAt(encodeRecords([record]), 0), 8);
});
