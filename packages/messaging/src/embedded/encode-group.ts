import type { NewRecord } from '../messaging.ts';
import { partitionForKey } from '../partition-for-key.ts';
import type { PendingAppend } from './append-queue.ts';
import type { Chunk } from './log-writer-protocol.ts';
import { encodeRecord } from './record-encoding.ts';

/** A reader loads a chunk as a whole: this bounds what it loads to get at one record. */
const MAX_CHUNK_BYTES = 256 * 1024;

/** Packs the records of a group into one buffer, partition by partition, in chunks; the order within a partition stays. */
export function encodeGroup(
  appends: readonly PendingAppend[],
  partitions: number,
): { payload: ArrayBuffer; chunks: Chunk[] } {
  const byPartition: NewRecord[][] = Array.from({ length: partitions }, () => []);
  let bytes = 0;
  for (const append of appends) {
    bytes += append.bytes;
    for (const record of append.records) byPartition[partitionForKey(record.key, partitions)]?.push(record);
  }
  const payload = new ArrayBuffer(bytes);
  const target = Buffer.from(payload);
  const chunks: Chunk[] = [];
  let at = 0;
  for (const [partition, records] of byPartition.entries()) {
    let start = at;
    let recordCount = 0;
    for (const record of records) {
      at = encodeRecord(record, target, at);
      recordCount++;
      if (at - start >= MAX_CHUNK_BYTES) {
        chunks.push({ partition, recordCount, start, end: at });
        start = at;
        recordCount = 0;
      }
    }
    if (recordCount > 0) chunks.push({ partition, recordCount, start, end: at });
  }
  return { payload, chunks };
}
