import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fetchV13, fetchV14, fetchV15, fetchV16, fetchV17, Reader, Writer } from '@platformatic/kafka';
import fc from 'fast-check';
import { type PartitionAnswer, readFetchAnswer } from './fetch-call.ts';
import { encodeBatch } from './test-support.ts';

const TOPIC_ID = '01234567-89ab-cdef-0123-456789abcdef';
const BATCH = encodeBatch(5n, [{ value: Buffer.from('value') }]);

/** As a broker writes it; the client has only the reading. */
function encodeAnswer(partitions: readonly PartitionAnswer[], errorCode = 0): Buffer {
  const topics = [{ partitions }];
  return Writer.create()
    .appendInt32(0)
    .appendInt16(errorCode)
    .appendInt32(0)
    .appendArray(topics, (ofTopic, topic) => {
      ofTopic.appendUUID(TOPIC_ID);
      ofTopic.appendArray(
        [...topic.partitions],
        (of, part) => {
          of.appendInt32(part.partition).appendInt16(part.errorCode);
          of.appendInt64(9n).appendInt64(8n).appendInt64(7n);
          of.appendArray([...part.abortedTransactions], (transaction, { producerId, firstOffset }) => {
            transaction.appendInt64(producerId).appendInt64(firstOffset);
          });
          of.appendInt32(-1);
          of.appendUnsignedVarInt(part.records.length + 1).append(part.records);
          // The tagged field 1: another leader.
          of.appendUnsignedVarInt(1).appendUnsignedVarInt(1).appendUnsignedVarInt(8).appendInt32(3).appendInt32(4);
        },
        true,
        false,
      );
    })
    .appendTaggedFields().buffer;
}

/** As the socket gave it: in pieces of so many bytes. */
function inPieces(content: Buffer, size: number): Reader {
  const pieces = Writer.create();
  for (let start = 0; start < content.length; start += size) pieces.append(content.subarray(start, start + size));
  return Reader.from(pieces);
}

const PARTITIONS: readonly PartitionAnswer[] = [
  { partition: 0, errorCode: 0, abortedTransactions: [], records: BATCH },
  { partition: 1, errorCode: 1, abortedTransactions: [], records: Buffer.alloc(0) },
  { partition: 7, errorCode: 0, abortedTransactions: [{ producerId: 3n, firstOffset: 4n }], records: BATCH },
];

test('an answer tells of each partition, in whatever pieces it came', () => {
  for (const size of [1, 7, 64, 10_000]) {
    const answer = readFetchAnswer(inPieces(encodeAnswer(PARTITIONS), size));
    assert.deepEqual(answer, { errorCode: 0, partitions: PARTITIONS });
  }
});

test('the client reads the same from these answers, in each of the versions', () => {
  const whole = PARTITIONS.filter(({ errorCode }) => errorCode === 0);
  for (const [number, { parseResponse }] of [fetchV13, fetchV14, fetchV15, fetchV16, fetchV17].entries()) {
    const { responses } = parseResponse(1, 1, 13 + number, inPieces(encodeAnswer(whole), 10));
    assert.deepEqual(
      responses[0]?.partitions.map(({ partitionIndex, abortedTransactions }) => ({
        partition: partitionIndex,
        abortedTransactions,
      })),
      whole.map(({ partition, abortedTransactions }) => ({ partition, abortedTransactions })),
    );
    assert.equal(responses[0]?.partitions[1]?.records?.[0]?.firstOffset, 5n);
  }
});

test('the records of a partition keep nothing else of the answer alive', () => {
  const { partitions } = readFetchAnswer(inPieces(encodeAnswer(PARTITIONS), 10_000));
  for (const { records } of partitions) assert.equal(records.buffer.byteLength, records.length);
});

test('an error for the whole answer is told', () => {
  assert.equal(readFetchAnswer(inPieces(encodeAnswer([], 35), 100)).errorCode, 35);
});

test('bytes that are no answer throw', () => {
  const content = encodeAnswer(PARTITIONS);
  for (let length = 0; length < content.length - 20; length++) {
    assert.throws(() => readFetchAnswer(inPieces(content.subarray(0, length), 50)), `${length} bytes`);
  }
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (bytes) => {
      try {
        readFetchAnswer(inPieces(Buffer.from(bytes), 50));
      } catch (error) {
        assert.ok(error instanceof Error);
      }
    }),
  );
});
