import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Reader, readRecordsBatches } from '@platformatic/kafka';
import fc from 'fast-check';
import type { LogRecord } from '../messaging.ts';
import { LOG_APPEND_TIME } from './batch-format.ts';
import { decodePartition } from './decode-fetch.ts';
import { answerOf, encodeBatch, takeAll } from './test-support.ts';

const NO_BYTES = Buffer.alloc(0);

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array));
/** Few, so that they repeat, also within a record; and any others. */
const headerName = fc.oneof(
  fc.constantFrom('kero-id', 'kero-source', 'kero-received-at', 'kero-ïd').map((name) => Buffer.from(name)),
  bytes(40),
);
const timestamp = fc.oneof(
  fc.bigInt({ min: 1_700_000_000_000n, max: 1_700_000_001_000n }),
  fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n - 1n }),
  fc.bigInt({ min: -(2n ** 54n), max: 2n ** 54n }),
);
const record = fc.record({
  key: fc.option(bytes(20), { nil: undefined }),
  value: fc.option(bytes(200), { nil: undefined }),
  headers: fc.array(fc.tuple(headerName, bytes(20)), { maxLength: 5 }),
  timestamp,
});
const batch = fc.record({
  records: fc.array(record, { minLength: 1, maxLength: 8 }),
  compression: fc.constantFrom('none', 'none', 'gzip', 'snappy', 'lz4', 'zstd'),
  attributes: fc.constantFrom(0, 0, LOG_APPEND_TIME),
  /** Offsets behind its last record that are its own. */
  gap: fc.constantFrom(0, 0, 3),
});
const batchList = fc.tuple(fc.bigInt({ min: 0n, max: 2n ** 62n }), fc.array(batch, { minLength: 1, maxLength: 4 }));

type BatchList = typeof batchList extends fc.Arbitrary<infer T> ? T : never;

function encode([first, list]: BatchList): { pieces: Buffer[]; end: bigint } {
  let end = first;
  const pieces = list.map(({ records, gap, ...changes }) => {
    const lastOffsetDelta = records.length - 1 + gap;
    const piece = encodeBatch(end, records, { ...changes, lastOffsetDelta });
    end += BigInt(lastOffsetDelta) + 1n;
    return piece;
  });
  return { pieces, end };
}

/** What the client makes of the same bytes. */
function readByClient(content: Buffer): LogRecord[] {
  return readRecordsBatches(Reader.from(content)).flatMap((read) =>
    read.records.map(({ offsetDelta, timestampDelta, key, value, headers }) => ({
      offset: read.firstOffset + BigInt(offsetDelta),
      timestampMs: Number(read.attributes & LOG_APPEND_TIME ? read.maxTimestamp : read.firstTimestamp + timestampDelta),
      key,
      value,
      headers: headers.map(([name, content]) => [name?.toString() ?? '', content ?? NO_BYTES] as const),
    })),
  );
}

test('the records are those that the client reads from the same bytes, from the wanted offset on', () => {
  fc.assert(
    fc.property(batchList, fc.nat(20), (list, skipped) => {
      const { pieces, end } = encode(list);
      const answer = answerOf(...pieces);
      const from = list[0] + BigInt(skipped);
      const decoded = decodePartition(answer, from);
      assert.equal(decoded.damage, undefined);
      assert.equal(decoded.next, end > from ? end : from);
      const expected = readByClient(answer.records).filter(({ offset }) => offset >= from);
      assert.deepEqual(takeAll(decoded.runs), expected);
    }),
    { numRuns: 1000 },
  );
});

test('what is counted before a record is handed out is what its bytes take', () => {
  fc.assert(
    fc.property(batchList, (list) => {
      const { runs } = decodePartition(answerOf(...encode(list).pieces), list[0]);
      for (const run of runs) {
        for (let left = run.bytes; run.count > 0; left = run.bytes) {
          const size = run.nextBytes;
          const { key, value, headers } = run.take();
          const content = [key, value, ...headers.map(([, bytes]) => bytes)];
          assert.ok(size > content.reduce((sum, part) => sum + (part?.length ?? 0), 0));
          assert.equal(run.bytes, left - size);
        }
        assert.equal(run.bytes, 0);
      }
    }),
  );
});

const damage = fc.oneof(
  fc.record({ do: fc.constant('set' as const), at: fc.nat(), byte: fc.nat(255) }),
  fc.record({ do: fc.constant('cut' as const), at: fc.nat() }),
  fc.record({ do: fc.constant('insert' as const), at: fc.nat(), byte: fc.nat(255) }),
);

test('damaged bytes never throw or loop: the batches before the damage are read, and offsets only go up', () => {
  fc.assert(
    fc.property(batchList, fc.array(damage, { minLength: 1, maxLength: 3 }), (list, damages) => {
      const { pieces } = encode(list);
      let content: Buffer = Buffer.concat(pieces);
      let firstDamaged = content.length;
      for (const it of damages) {
        const at = it.at % Math.max(1, content.length);
        firstDamaged = Math.min(firstDamaged, at);
        if (it.do === 'cut') content = content.subarray(0, at);
        else {
          const behind = content.subarray(it.do === 'set' ? at + 1 : at);
          content = Buffer.concat([content.subarray(0, at), Buffer.from([it.byte]), behind]);
        }
      }
      const from = list[0];
      const decoded = decodePartition(answerOf(content), from);
      assert.ok(decoded.next >= from);
      const records = takeAll(decoded.runs);
      let last = from - 1n;
      for (const { offset } of records) {
        assert.ok(offset > last && offset < decoded.next);
        last = offset;
      }
      const whole: Buffer[] = [];
      let length = 0;
      for (const piece of pieces) {
        length += piece.length;
        if (length <= firstDamaged) whole.push(piece);
      }
      const intact = readByClient(Buffer.concat(whole));
      assert.deepEqual(records.slice(0, intact.length), intact);
    }),
    { numRuns: 3000 },
  );
});
