import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { OffsetCommit } from './log-writer-protocol.ts';

export interface StoredChunk {
  readonly baseOffset: number;
  readonly recordCount: number;
  readonly timestampMs: number;
  readonly payload: Buffer;
}

const COLUMNS = 'base_offset, record_count, timestamp_ms, payload';

/** Two look-ups by key; a condition on the end of a chunk alone would look at every chunk before it. */
const TIME_FROM = (table: string) => `
  SELECT timestamp_ms FROM (
    SELECT * FROM (SELECT base_offset, record_count, timestamp_ms FROM ${table}
      WHERE base_offset <= ?1 ORDER BY base_offset DESC LIMIT 1)
    UNION ALL
    SELECT * FROM (SELECT base_offset, record_count, timestamp_ms FROM ${table}
      WHERE base_offset > ?1 ORDER BY base_offset LIMIT 1)
  ) WHERE base_offset + record_count > ?1 ORDER BY base_offset LIMIT 1`;

/** The reading connection: chunks and committed offsets as they are in the file. Throws what SQLite throws. */
export class LogReader {
  readonly #database: DatabaseSync;
  readonly #partitions: readonly {
    readonly holding: StatementSync;
    readonly following: StatementSync;
    readonly first: StatementSync;
    readonly end: StatementSync;
    readonly timeFrom: StatementSync;
  }[];
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
      first: database.prepare(`SELECT min(base_offset) AS base_offset FROM partition_${partition}`),
      end: database.prepare(
        `SELECT base_offset + record_count AS next FROM partition_${partition} ORDER BY base_offset DESC LIMIT 1`,
      ),
      timeFrom: database.prepare(TIME_FROM(`partition_${partition}`)),
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
    const first = this.#partitions[partition]?.first.get()?.base_offset;
    return typeof first === 'number' ? first : undefined;
  }

  /** The offset that the partition's next record gets; 0 before the first one. */
  logEnd(partition: number): number {
    return Number(this.#partitions[partition]?.end.get()?.next ?? 0);
  }

  /** When the record at the offset was taken (or the first one after it), in Unix milliseconds; undefined where there is none. */
  timeFrom(partition: number, offset: number): number | undefined {
    const row = this.#partitions[partition]?.timeFrom.get(offset);
    return row && Number(row.timestamp_ms);
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
