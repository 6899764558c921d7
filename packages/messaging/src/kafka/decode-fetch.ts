import { compressionsAlgorithmsByBitmask } from '@platformatic/kafka';
import {
  ATTRIBUTES_AT,
  COMPRESSION,
  CONTROL,
  FIRST_OFFSET_AT,
  FIRST_TIMESTAMP_AT,
  FORMAT,
  FORMAT_AT,
  LAST_OFFSET_DELTA_AT,
  LENGTH_AT,
  LENGTH_END,
  LOG_APPEND_TIME,
  MAX_TIMESTAMP_AT,
  PRODUCER_ID_AT,
  RECORD_COUNT_AT,
  RECORDS_AT,
  TRANSACTIONAL,
} from './batch-format.ts';
import { DataError } from './byte-cursor.ts';
import type { PartitionAnswer } from './fetch-call.ts';
import { reasonOf } from './kafka-errors.ts';
import { RecordRun, type WaitingRecords } from './record-run.ts';

export interface Decoded {
  /** Each with at least one record. */
  readonly runs: readonly WaitingRecords[];
  /** Where the next fetch begins: after everything in the answer that makes sense, also after what is not for us. */
  readonly next: bigint;
  /** Why what stands at `next` makes no sense; undefined when all does. */
  readonly damage: string | undefined;
}

const ABORT = 0;

interface Batch {
  readonly bytes: Buffer;
  readonly firstOffset: bigint;
  readonly lastOffsetDelta: number;
  readonly attributes: number;
  readonly producerId: bigint;
}

/**
 * Takes the records from `from` on out of a partition's part of a fetch answer. The first batch may begin before `from`
 * (the broker sends whole batches) and the last one may be cut off; control batches (marks of transactions) hold no records,
 * and those of transactions that were aborted do not count. Does not throw: at a batch that makes no sense it stops.
 * Checksums are not looked at (the broker did when it took the batch); everything else in a batch has to agree.
 */
export function decodePartition(answer: PartitionAnswer, from: bigint): Decoded {
  const runs: WaitingRecords[] = [];
  const isAborted = abortedFilter(answer);
  let next = from;
  try {
    for (const batch of batchesOf(answer.records)) {
      if (!isAborted(batch) && !(batch.attributes & CONTROL)) {
        const run = recordsOf(batch, next);
        if (run.count > 0) runs.push(run);
      }
      const end = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n;
      if (end > next) next = end;
    }
  } catch (error) {
    return { runs, next, damage: reasonOf(error) };
  }
  return { runs, next, damage: undefined };
}

/** Throws DataError at the first one that is none. */
function* batchesOf(records: Buffer): Generator<Batch> {
  let start = 0;
  while (records.length - start >= LENGTH_END) {
    const firstOffset = records.readBigInt64BE(start + FIRST_OFFSET_AT);
    const length = records.readInt32BE(start + LENGTH_AT);
    const end = start + LENGTH_END + length;
    if (end > records.length && start > 0) return;
    // A broker sends the first batch as a whole, whatever the limits.
    if (end > records.length || length < RECORDS_AT - LENGTH_END) {
      throw new DataError(`the batch at offset ${firstOffset} is said to have ${length} bytes`);
    }
    const bytes = records.subarray(start, end);
    if (bytes[FORMAT_AT] !== FORMAT) {
      throw new DataError(`the batch at offset ${firstOffset} has the unknown format ${bytes[FORMAT_AT]}`);
    }
    yield {
      bytes,
      firstOffset,
      lastOffsetDelta: bytes.readInt32BE(LAST_OFFSET_DELTA_AT),
      attributes: bytes.readInt16BE(ATTRIBUTES_AT),
      producerId: bytes.readBigInt64BE(PRODUCER_ID_AT),
    };
    start = end;
  }
}

function recordsOf({ bytes, firstOffset, lastOffsetDelta, attributes }: Batch, from: bigint): RecordRun {
  try {
    const count = bytes.readInt32BE(RECORD_COUNT_AT);
    if (count < 0 || (count === 0 && !(attributes & CONTROL))) throw new DataError(`${count} records`);
    return new RecordRun({
      content: contentOf(bytes.subarray(RECORDS_AT), attributes & COMPRESSION),
      count,
      firstOffset,
      lastOffsetDelta,
      firstTimestamp: bytes.readBigInt64BE(FIRST_TIMESTAMP_AT),
      appendTimestamp: attributes & LOG_APPEND_TIME ? bytes.readBigInt64BE(MAX_TIMESTAMP_AT) : undefined,
      from,
    });
  } catch (cause) {
    // Whatever was thrown, also by a decompressor, says that the bytes are not what they should be.
    throw new DataError(`the batch at offset ${firstOffset} contradicts itself`, { cause });
  }
}

function contentOf(records: Buffer, compression: number): Buffer {
  if (compression === 0) return records;
  const algorithm = compressionsAlgorithmsByBitmask[compression];
  if (!algorithm) throw new DataError(`unknown compression ${compression}`);
  return algorithm.decompressSync(records);
}

/** To be asked for each batch in order; the broker names the aborted transactions that overlap with what it answers. */
function abortedFilter({ abortedTransactions }: PartitionAnswer): (batch: Batch) => boolean {
  const coming = [...abortedTransactions].sort((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1));
  const aborting = new Set<bigint>();
  return (batch) => {
    const last = batch.firstOffset + BigInt(batch.lastOffsetDelta);
    for (; coming[0] && coming[0].firstOffset <= last; coming.shift()) aborting.add(coming[0].producerId);
    if (!(batch.attributes & TRANSACTIONAL)) return false;
    if (batch.attributes & CONTROL) {
      if (isAbortMark(batch)) aborting.delete(batch.producerId);
      return false;
    }
    return aborting.has(batch.producerId);
  };
}

/** The key of its only record: a version, then what it marks. */
function isAbortMark(batch: Batch): boolean {
  const marks = recordsOf(batch, batch.firstOffset);
  const key = marks.count > 0 ? marks.take().key : null;
  return key !== null && key.length >= 4 && key.readInt16BE(2) === ABORT;
}
