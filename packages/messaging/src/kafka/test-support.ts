import { type CompressionAlgorithmValue, createRecordsBatch } from '@platformatic/kafka';
import type { LogRecord } from '../messaging.ts';
import {
  ATTRIBUTES_AT,
  FIRST_OFFSET_AT,
  FORMAT,
  FORMAT_AT,
  LAST_OFFSET_DELTA_AT,
  MAX_TIMESTAMP_AT,
  PRODUCER_ID_AT,
  RECORD_COUNT_AT,
} from './batch-format.ts';
import type { PartitionAnswer } from './fetch-call.ts';
import type { WaitingRecords } from './record-run.ts';

export interface WrittenRecord {
  readonly key?: Buffer | undefined;
  /** Undefined is a tombstone. */
  readonly value?: Buffer | undefined;
  readonly headers?: readonly (readonly [Buffer, Buffer])[];
  readonly timestamp?: bigint;
}

/** Fields of a batch that the client's writer does not set as a test wants them. */
export interface BatchChanges {
  readonly compression?: CompressionAlgorithmValue;
  readonly format?: number;
  /** Besides the compression. */
  readonly attributes?: number;
  readonly lastOffsetDelta?: number;
  readonly maxTimestamp?: bigint;
  readonly producerId?: bigint;
  readonly count?: number;
}

/** A batch as the client writes it, at an offset. */
export function encodeBatch(first: bigint, records: readonly WrittenRecord[], changes: BatchChanges = {}): Buffer {
  const messages = records.map(({ key, value, headers = [], timestamp = 1000n }) => ({
    topic: 't',
    key,
    value,
    timestamp,
    headers: new Map(headers.map(([name, content]) => [name, content])),
  }));
  const options = { compression: changes.compression ?? 'none' };
  const batch = Buffer.from(createRecordsBatch(messages as Parameters<typeof createRecordsBatch>[0], options).buffer);
  batch.writeBigInt64BE(first, FIRST_OFFSET_AT);
  batch.writeInt8(changes.format ?? FORMAT, FORMAT_AT);
  batch.writeInt16BE(batch.readInt16BE(ATTRIBUTES_AT) | (changes.attributes ?? 0), ATTRIBUTES_AT);
  batch.writeInt32BE(changes.lastOffsetDelta ?? records.length - 1, LAST_OFFSET_DELTA_AT);
  if (changes.maxTimestamp !== undefined) batch.writeBigInt64BE(changes.maxTimestamp, MAX_TIMESTAMP_AT);
  batch.writeBigInt64BE(changes.producerId ?? -1n, PRODUCER_ID_AT);
  batch.writeInt32BE(changes.count ?? records.length, RECORD_COUNT_AT);
  return batch;
}

export function answerOf(...batches: readonly Buffer[]): PartitionAnswer {
  return { partition: 0, errorCode: 0, abortedTransactions: [], records: Buffer.concat(batches) };
}

/** Hands out what is left. */
export function takeAll(runs: readonly WaitingRecords[]): LogRecord[] {
  const records: LogRecord[] = [];
  for (const run of runs) {
    while (run.count > 0) {
      const { offset, timestampMs, key, value, headers } = run.take();
      records.push({ offset, timestampMs, key, value, headers });
    }
  }
  return records;
}

/** Records without content at these offsets, each of so many bytes. */
export function waitingRecords(sizes: readonly (readonly [offset: number, bytes: number])[]): WaitingRecords {
  let taken = 0;
  return {
    get count() {
      return sizes.length - taken;
    },
    get bytes() {
      return sizes.slice(taken).reduce((sum, [, bytes]) => sum + bytes, 0);
    },
    get nextBytes() {
      return sizes[taken]?.[1] ?? 0;
    },
    take() {
      const [offset = -1] = sizes[taken++] ?? [];
      return { offset: BigInt(offset), timestampMs: 0, key: null, value: null, headers: [] };
    },
  };
}
