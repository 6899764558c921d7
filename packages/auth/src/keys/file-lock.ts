import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { sleep } from '@kero/runtime';

const RETRY_MS = 20;

/**
 * Waits for a lock and holds it until it is disposed, or the process is gone. It is a lock of the operating system (held through
 * an open SQLite transaction, the only file lock that Node offers), on an empty file beside the one that is meant: that one
 * is replaced, and a lock on it would be on what nobody opens any more. Rejects when it is held by others for `waitMs`.
 */
export async function lockFile(path: string, waitMs: number): Promise<Disposable> {
  // Who could read it could hold it, too.
  closeSync(openSync(path, 'a', 0o600));
  const giveUp = performance.now() + waitMs;
  for (;;) {
    const lock = new DatabaseSync(path, { timeout: 0 });
    try {
      lock.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE');
      return { [Symbol.dispose]: () => lock.close() };
    } catch (error) {
      lock.close();
      if (!(error instanceof Error && /locked/.test(error.message)) || performance.now() > giveUp) throw error;
    }
    // Not the time-out of SQLite: it blocks, and the lock may be held by this very process.
    await sleep(RETRY_MS);
  }
}
