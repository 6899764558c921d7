import { execFile } from 'node:child_process';
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';

const run = promisify(execFile);
const BLOCK_BYTES = 64 * 1024;
const SMALLEST_WRITE_BYTES = 512;

export interface SmallDisk {
  readonly path: string;
  /** Writes a file until not a byte more fits. */
  fill(): void;
  /** Removes that file. */
  free(): void;
  /** Bytes that still fit. */
  room(): number;
}

/**
 * A file system of its own in memory, until `cleanup` is disposed (servers on it are to be stopped first, so register them
 * there too, later). Undefined, with the test skipped, where this user may not mount one: that takes root and CAP_SYS_ADMIN.
 */
export async function mountSmallDisk(
  t: TestContext,
  cleanup: AsyncDisposableStack,
  megabytes: number,
): Promise<SmallDisk | undefined> {
  const path = mkdtempSync(join(tmpdir(), 'kero-disk-'));
  cleanup.defer(() => rmSync(path, { recursive: true, force: true }));
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0700`, 'kero-test', path]);
  } catch (error) {
    t.skip(`cannot mount a small disk, which takes root and CAP_SYS_ADMIN: ${String(error).trim()}`);
    return undefined;
  }
  // Lazily, for a process that hangs may still have a file open.
  cleanup.defer(async () => void (await run('umount', ['--lazy', path])));
  const filler = join(path, 'filler');
  return {
    path,
    fill: () => fillDisk(filler),
    free: () => rmSync(filler, { force: true }),
    room: () => {
      const { bavail, bsize } = statfsSync(path);
      return bavail * bsize;
    },
  };
}

function fillDisk(file: string): void {
  const handle = openSync(file, 'a');
  try {
    for (let bytes = BLOCK_BYTES; bytes >= SMALLEST_WRITE_BYTES; ) {
      try {
        writeSync(handle, Buffer.alloc(bytes, 1));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        bytes /= 2;
      }
    }
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
