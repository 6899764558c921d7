import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { contentBytes, decodeRecord, encodedBytes, encodeRecord, sizeAt, skipRecord } from './record-encoding.ts';

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
      const chunk = Buffer.alloc(records.reduce((sum, record) => sum + encodedBytes(record), 0));
      let at = 0;
      for (const record of records) at = encodeRecord(record, chunk, at);
      assert.equal(at, chunk.length, 'the chunk is filled to its last byte');

      at = 0;
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
  const chunk = Buffer.alloc(encodedBytes(record));
  encodeRecord(record, chunk, 0);
  assert.equal(sizeAt(chunk, 0), 8);
});
