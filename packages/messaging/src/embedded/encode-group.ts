import type { NewRecord } from '../messaging.ts';
import { partitionForKey } from '../partition-for-key.ts';
import type { PendingAppend } from './append-queue.ts';
import type { Chunk } from './log-writer-protocol.ts';
import { RecordWriter } from './record-encoding.ts';

/** A reader loads a chunk as a whole: this bounds what it loads to get at one record. */
const MAX_CHUNK_BYTES = 256 * 1024;
/** A group is rarely larger; a buffer that is would be kept for nothing. */
const MAX_SPARE_BYTES = 4 * 1024 * 1024;

/**
 * Packs the records of groups into buffers. A buffer that comes back is used again: a new one for every group costs a call
 * with many records as much as their copying, for its fresh pages and the garbage collections that it brings about.
 */
export class GroupEncoder {
  readonly #partitions: number;
  #spare = new ArrayBuffer(0);

  constructor(partitions: number) {
    this.#partitions = partitions;
  }

  /**
   * The records in one buffer, partition by partition, in chunks; the order within a partition stays. The buffer may be
   * larger than what the chunks take of it, and is the caller's.
   */
  encode(appends: readonly PendingAppend[]): { payload: ArrayBuffer; chunks: Chunk[] } {
    const byPartition: NewRecord[][] = Array.from({ length: this.#partitions }, () => []);
    let bytes = 0;
    for (const append of appends) {
      bytes += append.bytes;
      for (const record of append.records) byPartition[partitionForKey(record.key, this.#partitions)]?.push(record);
    }
    const payload = this.#take(bytes);
    const writer = new RecordWriter(Buffer.from(payload));
    const chunks: Chunk[] = [];
    for (const [partition, records] of byPartition.entries()) {
      let start = writer.at;
      let recordCount = 0;
      for (const record of records) {
        writer.write(record);
        recordCount++;
        if (writer.at - start >= MAX_CHUNK_BYTES) {
          chunks.push({ partition, recordCount, start, end: writer.at });
          start = writer.at;
          recordCount = 0;
        }
      }
      if (recordCount > 0) chunks.push({ partition, recordCount, start, end: writer.at });
    }
    return { payload, chunks };
  }

  /** Nobody else uses the buffer any more. */
  giveBack(payload: ArrayBuffer): void {
    if (payload.byteLength > this.#spare.byteLength && payload.byteLength <= MAX_SPARE_BYTES) this.#spare = payload;
  }

  #take(bytes: number): ArrayBuffer {
    if (bytes === 0 || bytes > this.#spare.byteLength) return new ArrayBuffer(bytes);
    const payload = this.#spare;
    this.#spare = new ArrayBuffer(0);
    return payload;
  }
}
