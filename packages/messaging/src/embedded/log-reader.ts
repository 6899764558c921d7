import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { allColumns, type PartitionColumns } from './log-tables.ts';
import type { OffsetCommit } from './log-writer-protocol.ts';

export interface StoredChunk {
  /** Of its row: what comes later has a higher one. */
  readonly seq: number;
  readonly baseOffset: number;
  readonly recordCount: number;
  readonly timestampMs: number;
  readonly payload: Buffer;
}

interface PartitionStatements {
  /** The row from there on, with the chunk of the partition, which may hold nothing. */
  readonly row: StatementSync;
  /** The first row from there on that holds something of the partition. */
  readonly holding: StatementSync;
  /** The row from there on: where the partition ends in it. */
  readonly end: StatementSync;
  readonly timeFrom: StatementSync;
  readonly logStart: StatementSync;
  readonly logEnd: StatementSync;
}

/** The reading connection: chunks and committed offsets as they are in the file. Throws what SQLite throws. */
export class LogReader {
  readonly #database: DatabaseSync;
  readonly #partitions: readonly PartitionStatements[];
  readonly #committed: StatementSync;

  constructor(database: DatabaseSync, partitions: number) {
    this.#database = database;
    this.#partitions = allColumns(partitions).map((columns) => prepareFor(columns, database));
    this.#committed = database.prepare('SELECT partition, next_offset FROM committed_offsets WHERE group_id = ?');
  }

  /**
   * The chunk that holds the offset; where that was trimmed or is not there yet, the first one after it. Looks only at rows
   * after `afterSeq`, the last that the caller is done with, and is quickest when it is not far from there.
   */
  chunkHolding(partition: number, offset: number, afterSeq = 0): StoredChunk | undefined {
    const statements = this.#statements(partition);
    const next = statements.row.get(afterSeq + 1);
    if (!next) return undefined;
    const chunk = Number(next.record_count) > 0 ? toChunk(next) : undefined;
    if (chunk && chunk.baseOffset + chunk.recordCount > offset) return chunk;
    return toChunk(statements.holding.get(firstEndingAfter(statements.end, offset, Number(next.seq))));
  }

  /** The first offset that is still there; undefined before the first record of all partitions. */
  logStart(partition: number): number | undefined {
    const start = this.#statements(partition).logStart.get()?.start;
    return typeof start === 'number' ? start : undefined;
  }

  /** The offset that the partition's next record gets; 0 before the first one. */
  logEnd(partition: number): number {
    return Number(this.#statements(partition).logEnd.get()?.next ?? 0);
  }

  /** When the record at the offset was taken (or the first one after it), in Unix milliseconds; undefined where there is none. */
  timeFrom(partition: number, offset: number): number | undefined {
    const { end, timeFrom } = this.#statements(partition);
    const row = timeFrom.get(firstEndingAfter(end, offset, 0));
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

  #statements(partition: number): PartitionStatements {
    const statements = this.#partitions[partition];
    if (!statements) throw new RangeError(`there is no partition ${partition}`);
    return statements;
  }
}

function prepareFor({ base, count, chunk }: PartitionColumns, database: DatabaseSync): PartitionStatements {
  const columns = `seq, ${base} AS base_offset, ${count} AS record_count, timestamp_ms, ${chunk} AS payload`;
  const prepare = (what: string, where: string) => database.prepare(`SELECT ${what} FROM appends ${where} LIMIT 1`);
  return {
    row: prepare(columns, 'WHERE seq >= ? ORDER BY seq'),
    holding: prepare(columns, `WHERE seq >= ? AND ${count} > 0 ORDER BY seq`),
    end: prepare(`seq, ${base} + ${count} AS end_offset`, 'WHERE seq >= ? ORDER BY seq'),
    timeFrom: prepare('timestamp_ms', `WHERE seq >= ? AND ${count} > 0 ORDER BY seq`),
    logStart: prepare(`${base} AS start`, 'ORDER BY seq'),
    logEnd: prepare(`${base} + ${count} AS next`, 'ORDER BY seq DESC'),
  };
}

/**
 * The lowest seq, from the given one on, from which on every row ends after the offset; such a row need not be there yet.
 * The ends never fall, so this doubles its steps until it is too far, and then halves: a condition in SQL would look at every
 * row between, of which there are millions for a partition that got nothing while others did.
 */
function firstEndingAfter(end: StatementSync, offset: number, from: number): number {
  let low = from;
  let high = Number.POSITIVE_INFINITY;
  for (let step = 1; low < high; step *= 2) {
    const middle = high === Number.POSITIVE_INFINITY ? low + step - 1 : Math.floor((low + high) / 2);
    const row = end.get(middle);
    if (row && Number(row.end_offset) <= offset) low = Number(row.seq) + 1;
    else high = middle;
  }
  return low;
}

function toChunk(row: Record<string, unknown> | undefined): StoredChunk | undefined {
  if (!row) return undefined;
  const payload = row.payload as Uint8Array;
  return {
    seq: Number(row.seq),
    baseOffset: Number(row.base_offset),
    recordCount: Number(row.record_count),
    timestampMs: Number(row.timestamp_ms),
    payload: Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength),
  };
}
