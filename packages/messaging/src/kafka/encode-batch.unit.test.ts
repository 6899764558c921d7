import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32c, Reader, readRecordsBatch } from '@platformatic/kafka';
import fc from 'fast-check';
import type { NewRecord } from '../messaging.ts';
import { mixedSharing, unshared } from '../sharing-test-support.ts';
import { encodeBatch } from './encode-batch.ts';
import { batchCompression } from './produce-request.ts';

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array));
/** Around the lengths at which a varint gets one byte more. */
const edges = fc.constantFrom(63, 64, 65, 8_191, 8_192, 70_000).map((length) => Buffer.alloc(length, 'x'));
const value = fc.oneof({ arbitrary: bytes(40), weight: 4 }, { arbitrary: edges, weight: 1 });
const record: fc.Arbitrary<NewRecord> = fc.record({
  key: bytes(30),
  value,
  headers: fc.array(fc.tuple(fc.constantFrom('kero-id', 'kero-source', 'ce_ä', 'x'.repeat(70)), value), {
    maxLength: 4,
  }),
});
const sender = fc.record({
  producerId: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
  producerEpoch: fc.integer({ min: 0, max: 32_767 }),
  sequence: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
});

test('a batch is what the client library reads: every record with its headers, in order, as the sender', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(record, { minLength: 1, maxLength: 200 }),
      sender,
      fc.integer({ min: 0, max: 4e12 }),
      fc.constantFrom('none' as const, 'none' as const, 'gzip' as const, 'zstd' as const, 'lz4' as const),
      async (records, from, timestampMs, compression) => {
        const batch = await encodeBatch(records, from, timestampMs, batchCompression(compression));
        const read = readRecordsBatch(Reader.from(batch));
        assert.deepEqual(
          [read.magic, read.firstOffset, read.lastOffsetDelta, read.length],
          [2, 0n, records.length - 1, batch.length - 12],
        );
        assert.deepEqual([read.firstTimestamp, read.maxTimestamp], [BigInt(timestampMs), BigInt(timestampMs)]);
        const { producerId, producerEpoch, firstSequence: sequence } = read;
        assert.deepEqual({ producerId, producerEpoch, sequence }, { ...from });
        assert.equal(read.crc, crc32c(batch.subarray(21)));
        assert.deepEqual(
          read.records.map(({ offsetDelta, timestampDelta, key, value, headers }) => ({
            ...{ offsetDelta, timestampDelta, key, value },
            headers: headers.map(([name, content]) => [String(name), content]),
          })),
          records.map((one, offsetDelta) => ({ offsetDelta, timestampDelta: 0n, ...one })),
        );
      },
    ),
    { numRuns: 300 },
  );
});

test('headers that records share make the very same bytes as headers of their own', async () => {
  await fc.assert(
    fc.asyncProperty(mixedSharing(record), sender, async (records, from) => {
      assert.deepEqual(await encodeBatch(records, from, 1), await encodeBatch(records.map(unshared), from, 1));
    }),
  );
});

test('however many names of headers there are, only some are remembered, and each is written right', async () => {
  const names = Array.from({ length: 3_000 }, (_, n) => `ce_${n}`);
  const headers = names.map((name) => [name, Buffer.from(name)] as const);
  const one = { key: Buffer.alloc(0), value: Buffer.alloc(0), headers };
  const batch = await encodeBatch([one], { producerId: 1n, producerEpoch: 0, sequence: 0 }, 0);
  const [read] = readRecordsBatch(Reader.from(batch)).records;
  assert.deepEqual(
    read?.headers.map(([name, content]) => [String(name), String(content)]),
    names.map((name) => [name, name]),
  );
});
