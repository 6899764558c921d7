import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { allColumns } from './log-tables.ts';
import type { Chunk, IdleRequest, TrimRequest, WriteGroup } from './log-writer-protocol.ts';

const PROBE_BYTES = 64 * 1024;
/** Rows that one step of trimming deletes at most, so that appends never wait long behind it. */
const TRIM_STEP_ROWS = 64;

/**
 * Everything that is ever written to the log's file, each method in one durable transaction: when it returns, SQLite has
 * synced it to disk; when it throws, nothing of it is in the file (after an I/O error in the COMMIT itself: nobody knows).
 */
export class LogStore {
  readonly #database: DatabaseSync;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  readonly #insert: StatementSync;
  readonly #oldest: StatementSync;
  readonly #deleteThrough: StatementSync;
  readonly #commitOffset: StatementSync;
  readonly #lowestCommitted: StatementSync;
  #nextSeq: number;
  #nextOffsets: readonly number[];

  constructor(database: DatabaseSync, partitions: number) {
    this.#database = database;
    const columns = allColumns(partitions);
    const names = [...columns.flatMap(({ base, count }) => [base, count]), ...columns.map(({ chunk }) => chunk)];
    const ends = columns.map(({ base, count }, partition) => `${base} + ${count} AS end_${partition}`).join(', ');
    this.#begin = database.prepare('BEGIN IMMEDIATE');
    this.#commit = database.prepare('COMMIT');
    this.#insert = database.prepare(
      `INSERT INTO appends (seq, timestamp_ms, ${names.join(', ')}) VALUES (?, ?${', ?'.repeat(names.length)})`,
    );
    this.#oldest = database.prepare(`SELECT seq, timestamp_ms, ${ends} FROM appends ORDER BY seq LIMIT ?`);
    this.#deleteThrough = database.prepare('DELETE FROM appends WHERE seq <= ?');
    this.#commitOffset = database.prepare(
      'INSERT OR REPLACE INTO committed_offsets (group_id, partition, next_offset) VALUES (?, ?, ?)',
    );
    this.#lowestCommitted = database.prepare(
      'SELECT min(next_offset) AS next_offset FROM committed_offsets WHERE partition = ?',
    );
    const last = database.prepare(`SELECT seq, ${ends} FROM appends ORDER BY seq DESC LIMIT 1`).get();
    this.#nextSeq = Number(last?.seq ?? 0) + 1;
    this.#nextOffsets = columns.map((_, partition) => Number(last?.[`end_${partition}`] ?? 0));
  }

  /** Per partition, the offset that its next record gets. */
  get nextOffsets(): readonly number[] {
    return this.#nextOffsets;
  }

  write(group: WriteGroup): void {
    const nextOffsets = [...this.#nextOffsets];
    let nextSeq = this.#nextSeq;
    this.#transaction(() => {
      for (const chunks of rowsOf(group.chunks)) {
        const numbers: number[] = [];
        const payloads: (Uint8Array | null)[] = [];
        for (const [partition, base] of nextOffsets.entries()) {
          const chunk = chunks.get(partition);
          numbers.push(base, chunk?.recordCount ?? 0);
          payloads.push(chunk ? new Uint8Array(group.payload, chunk.start, chunk.end - chunk.start) : null);
          if (chunk) nextOffsets[partition] = base + chunk.recordCount;
        }
        this.#insert.run(nextSeq++, group.timestampMs, ...numbers, ...payloads);
      }
      for (const { groupId, partition, nextOffset } of group.commits) {
        this.#commitOffset.run(groupId, partition, nextOffset);
      }
      if (group.probe) this.#database.exec(`INSERT OR REPLACE INTO probe VALUES (1, zeroblob(${PROBE_BYTES}))`);
    });
    this.#nextOffsets = nextOffsets;
    this.#nextSeq = nextSeq;
    if (group.probe) this.#database.exec('DELETE FROM probe');
  }

  /**
   * Deletes some of the rows whose records every known group has finished, all of them, and that were stored before the
   * given time. The last row always stays, because the next offsets are read from it. Returns whether there may be more
   * to delete.
   */
  trimStep({ storedBeforeMs, finishedBelow }: TrimRequest): boolean {
    const finished = this.#nextOffsets.map((_, partition) => {
      // NULL (no group at all) becomes 0: then nothing is finished.
      const lowestInFile = Number(this.#lowestCommitted.get(partition)?.next_offset ?? 0);
      return Math.min(lowestInFile, finishedBelow[partition] ?? 0);
    });
    const candidates = this.#oldest.all(TRIM_STEP_ROWS + 1).slice(0, -1);
    const kept = candidates.findIndex(
      (row) =>
        Number(row.timestamp_ms) >= storedBeforeMs ||
        finished.some((below, partition) => Number(row[`end_${partition}`]) > below),
    );
    const last = (kept < 0 ? candidates : candidates.slice(0, kept)).at(-1);
    if (!last) return false;
    this.#transaction(() => this.#deleteThrough.run(last.seq ?? -1));
    return kept < 0 && candidates.length === TRIM_STEP_ROWS;
  }

  /**
   * Counts the time in which groups of this process were used and others were not, and forgets those for which it has
   * become too long: a group that comes back begins at the earliest record that is left. Returns the forgotten groups.
   *
   * The table is made here and not with the others, because files of before do not have it.
   */
  forgetIdleGroups({ groupsInUse, elapsedMs, forgetAfterMs }: IdleRequest): string[] {
    if (groupsInUse.length === 0) return [];
    const database = this.#database;
    const known = database.prepare('SELECT DISTINCT group_id FROM committed_offsets').all();
    const idle = known.map(({ group_id }) => String(group_id)).filter((groupId) => !groupsInUse.includes(groupId));
    if (idle.length === 0) return [];
    const forgotten: string[] = [];
    this.#transaction(() => {
      database.exec(`CREATE TABLE IF NOT EXISTS idle_groups (
        group_id TEXT PRIMARY KEY, idle_ms INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID`);
      const remove = database.prepare('DELETE FROM idle_groups WHERE group_id = ?');
      for (const groupId of groupsInUse) remove.run(groupId);
      const add = database.prepare(`INSERT INTO idle_groups VALUES (?, ?)
        ON CONFLICT DO UPDATE SET idle_ms = idle_ms + excluded.idle_ms RETURNING idle_ms`);
      for (const groupId of idle) {
        const idleMs = Number(add.get(groupId, Math.round(elapsedMs))?.idle_ms);
        if (idleMs <= forgetAfterMs) continue;
        remove.run(groupId);
        database.prepare('DELETE FROM committed_offsets WHERE group_id = ?').run(groupId);
        forgotten.push(groupId);
      }
    });
    return forgotten;
  }

  #transaction(work: () => void): void {
    this.#begin.run();
    try {
      work();
      this.#commit.run();
    } catch (error) {
      // SQLite has rolled back by itself after some errors (a full disk among them).
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }
}

/** The chunks of each row: one of each partition at most, in the order of the chunks. */
function rowsOf(chunks: readonly Chunk[]): Map<number, Chunk>[] {
  const rows: Map<number, Chunk>[] = [];
  for (const chunk of chunks) {
    const row = rows.find((it) => !it.has(chunk.partition));
    if (row) row.set(chunk.partition, chunk);
    else rows.push(new Map([[chunk.partition, chunk]]));
  }
  return rows;
}
