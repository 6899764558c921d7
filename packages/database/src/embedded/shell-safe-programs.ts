import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import { basename, dirname, join } from 'node:path';

/** What a shell reads as something else between double quotes. */
const READ_BY_SHELL = /["$`\\]/;
const COPIED = ['initdb', 'postgres'];

export interface ShellSafePrograms extends Disposable {
  /** A folder with initdb and postgres. */
  readonly path: string;
}

/**
 * initdb starts the `postgres` beside it through a shell, with the whole path between double quotes (and follows links to find
 * that path). Where the path holds a `$`, say, the two programs are copied to a temporary folder, with links to all that they
 * need; dispose of it afterwards.
 */
export function shellSafePrograms(programs: string): ShellSafePrograms {
  if (os.platform() === 'win32' || !READ_BY_SHELL.test(programs)) return { path: programs, [Symbol.dispose]() {} };
  const folder = mkdtempSync(join(os.tmpdir(), 'kero-initdb-'));
  // Nothing in it is secret, and where Kero is root another user runs it.
  chmodSync(folder, 0o755);
  const path = join(folder, basename(programs));
  mkdirSync(path);
  for (const name of COPIED) copyFileSync(join(programs, name), join(path, name));
  const installed = dirname(programs);
  for (const name of readdirSync(installed)) {
    if (name !== basename(programs)) symlinkSync(join(installed, name), join(folder, name));
  }
  return { path, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}
