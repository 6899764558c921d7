import { chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { throwIfStopped } from '@kero/runtime';
import { databaseError } from '../database-errors.ts';
import type { RunAs } from './run-as.ts';
import { runProgram } from './run-program.ts';
import type { ServerFolder } from './server-folder.ts';
import { SERVER_MAJOR_VERSION } from './server-program.ts';
import { shellSafePrograms } from './shell-safe-programs.ts';

export interface ClusterTools {
  readonly folder: ServerFolder;
  /** Folder of initdb, pg_ctl and postgres. */
  readonly programs: string;
  readonly runAs: RunAs;
}

/** What a new cluster starts with; a person may change it later with ALTER SYSTEM. */
const CONFIGURATION = {
  timezone: 'UTC',
  log_timezone: 'UTC',
  max_connections: '50',
  // One batch may touch as many months as there are; each partition costs two locks.
  max_locks_per_transaction: '256',
  log_checkpoints: 'off',
  // Repeated events make COPY fail now and then: no need to see its text each time.
  log_min_error_statement: 'panic',
};

/** Whether the folder holds a cluster. Throws when it holds something else, or a cluster of another major version. */
export function hasCluster({ data }: ServerFolder): boolean {
  if (!existsSync(data)) return false;
  const versionFile = join(data, 'PG_VERSION');
  // Kero never leaves a part of a cluster here (see createCluster), so this is not ours to delete.
  if (!existsSync(versionFile)) {
    throw databaseError('embedded_server_failed', `the folder ${data} is there, but is not a PostgreSQL cluster`, {
      remedy: 'Move it away, or choose another KERO_DATA_DIR.',
    });
  }
  const version = readFileSync(versionFile, 'utf8').trim();
  if (version === SERVER_MAJOR_VERSION) return true;
  throw databaseError(
    'embedded_server_failed',
    `the folder ${data} belongs to PostgreSQL ${version}, but this Kero brings PostgreSQL ${SERVER_MAJOR_VERSION}`,
    { remedy: 'Use the Kero that made it, or move the data with pg_dump, or choose another KERO_DATA_DIR.' },
  );
}

/**
 * Makes a new cluster. It is made beside and renamed when it is whole, so one whose making was interrupted is never taken
 * for one; `beforeVisible` runs just before that. Ends early with `stopped` when `stop` aborts.
 */
export async function createCluster(
  tools: ClusterTools,
  superuser: { readonly user: string; readonly password: string },
  beforeVisible: () => void,
  stop?: AbortSignal | undefined,
): Promise<void> {
  const { folder, programs, runAs } = tools;
  const unfinished = `${folder.data}.new`;
  const passwordFile = join(folder.path, 'initdb-password');
  rmSync(unfinished, { recursive: true, force: true });
  rmSync(passwordFile, { force: true });
  mkdirSync(unfinished, { mode: 0o700 });
  try {
    writeFileSync(passwordFile, `${superuser.password}\n`, { mode: 0o600 });
    if (runAs.owner) {
      for (const path of [unfinished, passwordFile]) chownSync(path, runAs.owner.uid, runAs.owner.gid);
    }
    using safe = shellSafePrograms(programs);
    const made = await runProgram(
      [
        ...runAs.prefix,
        join(safe.path, 'initdb'),
        ...['--pgdata', 'data.new', '--username', superuser.user, '--pwfile', 'initdb-password'],
        ...['--auth', 'scram-sha-256', '--encoding', 'UTF8'],
        // Does not depend on the locales that the system has, nor on their versions.
        ...['--locale-provider', 'builtin', '--builtin-locale', 'C.UTF-8', '--locale', 'C'],
        ...Object.entries(CONFIGURATION).flatMap(([name, value]) => ['--set', `${name}=${value}`]),
      ],
      { cwd: folder.path, stop },
    );
    if (!made.ok) {
      throwIfStopped(stop);
      const said = errorLines(made.output);
      throw databaseError('embedded_server_failed', `initdb could not make ${folder.data}: ${said}`);
    }
    beforeVisible();
    renameSync(unfinished, folder.data);
  } finally {
    rmSync(passwordFile, { force: true });
    rmSync(unfinished, { recursive: true, force: true });
  }
}

/**
 * Makes the role a superuser with this password, without knowing any password: through PostgreSQL's single-user mode, which
 * asks for none. The server must not be running.
 */
export async function resetRole(tools: ClusterTools, role: { user: string; password: string }): Promise<void> {
  const { folder, programs, runAs } = tools;
  // In hexadecimal, so that no character in them can mean something else.
  const text = (value: string) => `convert_from('\\x${Buffer.from(value).toString('hex')}', 'UTF8')`;
  const sql = `do $kero$ begin
    if not exists (select from pg_roles where rolname = ${text(role.user)}) then
      execute format('create role %I', ${text(role.user)});
    end if;
    execute format('alter role %I with superuser login password %L', ${text(role.user)}, ${text(role.password)});
  end $kero$`;
  const done = await runProgram(
    [
      ...runAs.prefix,
      join(programs, 'postgres'),
      ...['--single', '-D', 'data', '-c', 'exit_on_error=on', '-c', 'log_checkpoints=off'],
      // Somebody may have set it, and must not be locked out for that.
      ...['-c', 'default_transaction_read_only=off', 'postgres'],
    ],
    { cwd: folder.path, input: `${sql.replaceAll('\n', ' ')}\n` },
  );
  if (done.ok) return;
  const said = errorLines(done.output);
  throw databaseError('embedded_server_failed', `the role ${role.user} could not be set up in ${folder.data}: ${said}`);
}

/** The lines of a program's output that say what is wrong; all of it when none does. */
export function errorLines(output: string): string {
  const lines = output.split('\n').filter((line) => /error|fatal|panic|invalid|could not|cannot|no space/i.test(line));
  return (lines.length > 0 ? lines.slice(-4).join('; ') : output.trim().slice(-1_000)) || 'it said nothing';
}
