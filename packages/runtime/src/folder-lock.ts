import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describeError } from './errors.ts';
import { runtimeError } from './runtime-errors.ts';

/** Keeps locks from the garbage collector, which would close their files and with that end them unnoticed. */
const heldLocks = new Set<DatabaseSync>();

/**
 * Takes a folder for this process alone, until the returned lock is disposed or the process is gone.
 *
 * The lock is an operating-system lock (held through an open SQLite transaction, the only file lock that Node offers), so
 * it ends with the process, also after kill -9, and a process id that was given to another program is never mistaken for
 * the owner. The id in `kero.pid` is only for the message.
 *
 * Folders above that do not exist yet are made so that other users can pass through them, but not look inside (0711).
 *
 * Throws KeroError `folder_in_use` (names the owner's process id) or `folder_unusable`.
 */
export function lockFolder(folder: string): Disposable {
  let lock: DatabaseSync | undefined;
  try {
    // As root the embedded PostgreSQL runs as another user, who must be able to pass through what is above its folder.
    mkdirSync(dirname(folder), { recursive: true, mode: 0o711 });
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    lock = new DatabaseSync(join(folder, 'kero.lock'));
    lock.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE');
    writeFileSync(join(folder, 'kero.pid'), `${process.pid}\n`);
  } catch (error) {
    lock?.close();
    if (/database is locked/.test(describeError(error))) {
      throw runtimeError('folder_in_use', `the folder ${folder} is in use by process ${readOwner(folder)}`);
    }
    throw runtimeError('folder_unusable', `the folder ${folder} cannot be used: ${describeError(error)}`, {
      cause: error,
    });
  }
  const held = lock;
  heldLocks.add(held);
  return {
    [Symbol.dispose]: () => {
      heldLocks.delete(held);
      held.close();
    },
  };
}

function readOwner(folder: string): string {
  try {
    return readFileSync(join(folder, 'kero.pid'), 'utf8').trim();
  } catch {
    return 'unknown';
  }
}
