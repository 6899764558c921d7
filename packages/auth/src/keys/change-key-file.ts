import { mkdir, realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describeError } from '@kero/runtime';
import { authError } from '../auth-errors.ts';
import { lockFile } from './file-lock.ts';
import { parseKeyFile, renderKeyFile } from './key-file.ts';
import { isMissing, readKeyFile } from './read-key-file.ts';
import { replaceFile } from './replace-file.ts';
import type { StoredKey } from './stored-key.ts';

const LOCK_WAIT_MS = 10_000;

/** The keys of a file. Throws KeroError `keys_file_unusable`. */
export async function loadKeys(path: string): Promise<StoredKey[]> {
  return parseKeyFile((await readKeyFile(path)).text, path);
}

/**
 * Changes the keys of a file, one process after the other, so that none loses what another one did. `change` gets the keys
 * that are there, none where there is no file yet, and what it throws is passed on. A symbolic link stays one.
 *
 * Throws KeroError `keys_file_unusable` or `keys_file_not_written`; the file is then what it was before.
 */
export async function changeKeyFile<T extends { readonly keys: readonly StoredKey[] }>(
  path: string,
  change: (keys: readonly StoredKey[]) => T,
): Promise<T> {
  const target = await realpath(path).catch(() => path);
  // Folders above are passable for others, as those of the data are: the receiver may be another user.
  await orNotWritten(path, () => mkdir(dirname(target), { recursive: true, mode: 0o711 }));
  using _lock = await orNotWritten(path, () => lockFile(`${target}.lock`, LOCK_WAIT_MS));
  const changed = change(await keysOrNone(target));
  await orNotWritten(path, () => replaceFile(target, renderKeyFile(changed.keys)));
  return changed;
}

async function keysOrNone(path: string): Promise<readonly StoredKey[]> {
  try {
    return await loadKeys(path);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

async function orNotWritten<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw authError('keys_file_not_written', `${path} cannot be changed: ${describeError(cause)}`, { cause });
  }
}
