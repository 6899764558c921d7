import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { OffsetCommit } from './log-writer-protocol.ts';

export interface StoredChunk {
  readonly baseOffset: number;
  readonly recordCount: number;
  readonly timestampMs: number;
  readonly payload: Buffer;
}

const COLUMNS = 'base_offset, record_count, timestamp_ms, payload';

/** The reading connection: chunks and committed offsets as they are in the file. Throws what SQLite throws. */
export class LogReader {
  readonly #database: DatabaseSync;
  readonly #partitions: readonly { readonly holding: StatementSync; readonly following: StatementSync }[];
  readonly #committed: StatementSync;

  constructor(database: DatabaseSync, partitions: number) {
    this.#database = database;
    this.#partitions = Array.from({ length: partitions }, (_, partition) => ({
      holding: database.prepare(
        `SELECT ${COLUMNS} FROM partition_${partition} WHERE base_offset <= ? ORDER BY base_offset DESC LIMIT 1`,
      ),
      following: database.prepare(
        `SELECT ${COLUMNS} FROM partition_${partition} WHERE base_offset >= ? ORDER BY base_offset LIMIT 1`,
      ),
    }));
    this.#committed = database.prepare('SELECT partition, next_offset FROM committed_offsets WHERE group_id = ?');
  }

  /** The chunk that holds the offset; where it was trimmed or is not there yet, the first one after it. */
  chunkHolding(partition: number, offset: number): StoredChunk | undefined {
    const chunk = toChunk(this.#partitions[partition]?.holding.get(offset));
    if (chunk && chunk.baseOffset + chunk.recordCount > offset) return chunk;
    return this.chunkFrom(partition, offset);
  }

  /** The first chunk that begins at the offset or after it. */
  chunkFrom(partition: number, offset: number): StoredChunk | undefined {
    return toChunk(this.#partitions[partition]?.following.get(offset));
  }

  /** The first offset that is still there; undefined before the first record. */
  logStart(partition: number): number | undefined {
    return this.chunkFrom(partition, 0)?.baseOffset;
  }

  committedOffsets(groupId: string): OffsetCommit[] {
    return this.#committed.all(groupId).map((row) => ({
      groupId,
      partition: Number(row.partition),
      nextOffset: Number(row.next_offset),
    }));
  }

  close(): void {
    this.#database.close();
  }
}

function toChunk(row: Record<string, unknown> | undefined): StoredChunk | undefined {
  if (!row) return undefined;
  const payload = row.payload as Uint8Array;
  return {
    baseOffset: Number(row.base_offset),
    recordCount: Number(row.record_count),
    timestampMs: Number(row.timestamp_ms),
    payload: Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength),
  };
}
