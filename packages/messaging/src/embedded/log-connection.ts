import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

// Also loaded by the writer's thread, hence without @kero/runtime: a second copy of the logger would cost memory there.

/** Larger ones only wait longer at once. */
const CHECKPOINT_BYTES = 4 * 1024 * 1024;

export interface LogIdentity {
  readonly logId: string;
  readonly partitions: number;
}

export function logFile(directory: string): string {
  return join(directory, 'log.sqlite');
}

/** A connection for the one writer. `maxFileBytes` bounds the file; appends beyond it fail as on a full disk. */
export function openForWriting(file: string, maxFileBytes?: number): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: 2000 });
  const pageBytes = readNumber(database, 'PRAGMA page_size');
  // Both are properties of the connection, not of the file.
  database.exec(`PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = ${CHECKPOINT_BYTES / pageBytes}`);
  if (maxFileBytes !== undefined) database.exec(`PRAGMA max_page_count = ${Math.ceil(maxFileBytes / pageBytes)}`);
  return database;
}

/** A connection that only reads. It never waits for the writer, nor the writer for it. */
export function openForReading(file: string): DatabaseSync {
  return new DatabaseSync(file, { readOnly: true, timeout: 2000 });
}

export function readIdentity(database: DatabaseSync): LogIdentity {
  const row = database.prepare('SELECT log_id, partitions FROM log').get();
  if (!row) throw new Error('the table log is empty');
  return { logId: String(row.log_id), partitions: Number(row.partitions) };
}

export function readNumber(database: DatabaseSync, sql: string): number {
  return Number(Object.values(database.prepare(sql).get() ?? {})[0]);
}
