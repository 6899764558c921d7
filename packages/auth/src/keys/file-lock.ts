import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

/**
 * Waits for a lock and holds it until it is disposed, or the process is gone. It is a lock of the operating system (held through
 * an open SQLite transaction, the only file lock that Node offers), on an empty file beside the one that is meant: that one
 * is replaced, and a lock on it would be on what nobody opens any more.
 */
export function lockFile(path: string, waitMs: number): Disposable {
  // Who could read it could hold it, too.
  closeSync(openSync(path, 'a', 0o600));
  const lock = new DatabaseSync(path, { timeout: waitMs });
  try {
    lock.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    throw error;
  }
  return { [Symbol.dispose]: () => lock.close() };
}
