import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isKeroError, lockFolder } from '@kero/runtime';

const CACHE = resolve(import.meta.dirname, '../../.cache');

/** Where downloads of tests lie, from one run to the next. */
export function cachePath(name: string): string {
  return join(CACHE, name);
}

/**
 * The folder of that name in the cache. When it is not there yet, `fill` makes what belongs in it, in a folder that gets the name
 * only when it is complete. Test files that run at the same time wait for each other.
 */
export async function cachedFolder(name: string, fill: (unfinished: string) => Promise<unknown>): Promise<string> {
  const folder = cachePath(name);
  if (existsSync(folder)) return folder;
  using _lock = await waitForLock(dirname(folder));
  if (existsSync(folder)) return folder;
  const unfinished = `${folder}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true });
  await fill(unfinished);
  await rename(unfinished, folder);
  return folder;
}

async function waitForLock(folder: string): Promise<Disposable> {
  for (;;) {
    try {
      return lockFolder(folder);
    } catch (error) {
      if (!isKeroError(error, 'folder_in_use')) throw error;
      await delay(200);
    }
  }
}
