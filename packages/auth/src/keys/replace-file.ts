import { randomUUID } from 'node:crypto';
import { open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const PRIVATE = 0o600;

/**
 * Gives a file another content, at once and for good: a reader sees the old or the new one, also after a power cut. Owner
 * and rights stay as they were, so that a change made by root does not lock out the receiver; a new file is private.
 */
export async function replaceFile(path: string, content: string): Promise<void> {
  const before = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  const temporary = join(dirname(path), `.kero-${randomUUID()}.tmp`);
  try {
    const file = await open(temporary, 'wx', PRIVATE);
    try {
      await file.writeFile(content);
      const own = await file.stat();
      if (before && (before.uid !== own.uid || before.gid !== own.gid)) await file.chown(before.uid, before.gid);
      if (before) await file.chmod(before.mode & 0o777);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
