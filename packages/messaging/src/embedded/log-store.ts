import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { IdleRequest, TrimRequest, WriteGroup } from './log-writer-protocol.ts';

const PROBE_BYTES = 64 * 1024;
/** Chunks that one step of trimming deletes at most, so that appends never wait long behind it. */
const TRIM_STEP_CHUNKS = 64;

interface PartitionStatements {
  readonly insert: StatementSync;
  readonly oldest: StatementSync;
  readonly deleteThrough: StatementSync;
}

/**
 * Everything that is ever written to the log's file, each method in one durable transaction: when it returns, SQLite has
 * synced it to disk; when it throws, nothing of it is in the file (after an I/O error in the COMMIT itself: nobody knows).
 */
export class LogStore {
  readonly #database: DatabaseSync;
  readonly #partitions: readonly PartitionStatements[];
  readonly #commitOffset: StatementSync;
  readonly #lowestCommitted: StatementSync;
  #nextOffsets: readonly number[];

  constructor(database: DatabaseSync, partitions: number) {
    this.#database = database;
    const numbers = Array.from({ length: partitions }, (_, partition) => partition);
    this.#partitions = numbers.map((partition) => ({
      insert: database.prepare(
        `INSERT INTO partition_${partition} (base_offset, record_count, timestamp_ms, payload) VALUES (?, ?, ?, ?)`,
      ),
      oldest: database.prepare(
        `SELECT base_offset, record_count, timestamp_ms FROM partition_${partition} ORDER BY base_offset LIMIT ?`,
      ),
      deleteThrough: database.prepare(`DELETE FROM partition_${partition} WHERE base_offset <= ?`),
    }));
    this.#commitOffset = database.prepare(
      'INSERT OR REPLACE INTO committed_offsets (group_id, partition, next_offset) VALUES (?, ?, ?)',
    );
    this.#lowestCommitted = database.prepare(
      'SELECT min(next_offset) AS next_offset FROM committed_offsets WHERE partition = ?',
    );
    this.#nextOffsets = numbers.map((partition) => {
      const row = database
        .prepare(
          `SELECT base_offset + record_count AS next FROM partition_${partition} ORDER BY base_offset DESC LIMIT 1`,
        )
        .get();
      return Number(row?.next ?? 0);
    });
  }

  /** Per partition, the offset that its next record gets. */
  get nextOffsets(): readonly number[] {
    return this.#nextOffsets;
  }

  write(group: WriteGroup): void {
    const nextOffsets = [...this.#nextOffsets];
    this.#transaction(() => {
      for (const { partition, recordCount, start, end } of group.chunks) {
        const baseOffset = nextOffsets[partition] ?? 0;
        const payload = new Uint8Array(group.payload, start, end - start);
        this.#partitions[partition]?.insert.run(baseOffset, recordCount, group.timestampMs, payload);
        nextOffsets[partition] = baseOffset + recordCount;
      }
      for (const { groupId, partition, nextOffset } of group.commits) {
        this.#commitOffset.run(groupId, partition, nextOffset);
      }
      if (group.probe) this.#database.exec(`INSERT OR REPLACE INTO probe VALUES (1, zeroblob(${PROBE_BYTES}))`);
    });
    this.#nextOffsets = nextOffsets;
    if (group.probe) this.#database.exec('DELETE FROM probe');
  }

  /**
   * Deletes some of the records that every known group has finished and that were stored before the given time. The last
   * chunk of a partition always stays, because the next offset is read from it. Returns whether there may be more to delete.
   */
  trimStep({ storedBeforeMs, finishedBelow }: TrimRequest): boolean {
    let more = false;
    for (const [partition, { oldest, deleteThrough }] of this.#partitions.entries()) {
      // NULL (no group at all) becomes 0: then nothing is finished.
      const lowestInFile = Number(this.#lowestCommitted.get(partition)?.next_offset ?? 0);
      const finished = Math.min(lowestInFile, finishedBelow[partition] ?? 0);
      const candidates = oldest.all(TRIM_STEP_CHUNKS + 1).slice(0, -1);
      const kept = candidates.findIndex(
        (chunk) =>
          Number(chunk.timestamp_ms) >= storedBeforeMs ||
          Number(chunk.base_offset) + Number(chunk.record_count) > finished,
      );
      const last = (kept < 0 ? candidates : candidates.slice(0, kept)).at(-1);
      if (!last) continue;
      this.#transaction(() => deleteThrough.run(last.base_offset ?? -1));
      more ||= kept < 0 && candidates.length === TRIM_STEP_CHUNKS;
    }
    return more;
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
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      work();
      this.#database.exec('COMMIT');
    } catch (error) {
      // SQLite has rolled back by itself after some errors (a full disk among them).
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }
}
