import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { describeError } from '@kero/runtime';
import { authError } from '../auth-errors.ts';

const MAX_BYTES = 16 * 1024 ** 2;

export interface KeyFileText {
  readonly text: string;
  /** Permission bits. */
  readonly mode: number;
}

/** Reads the file, whatever is in it. Throws KeroError `keys_file_unusable`; its cause has `code: 'ENOENT'` where there is no file. */
export async function readKeyFile(path: string): Promise<KeyFileText> {
  let handle: FileHandle | undefined;
  try {
    // Without O_NONBLOCK a named pipe would keep us waiting for its writer.
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const found = await handle.stat();
    if (!found.isFile()) throw new Error('it is not a file');
    if (found.size > MAX_BYTES) throw new Error(`it has more than ${MAX_BYTES} bytes`);
    return { text: await handle.readFile('utf8'), mode: found.mode & 0o777 };
  } catch (cause) {
    throw authError('keys_file_unusable', `the API keys in ${path} cannot be read: ${describeError(cause)}`, { cause });
  } finally {
    await handle?.close();
  }
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && (error.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT';
}
