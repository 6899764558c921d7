import { chmodSync, readFileSync, statSync } from 'node:fs';
import os from 'node:os';
import { dirname, join } from 'node:path';
import { databaseError } from '../database-errors.ts';
import { runProgram } from './run-program.ts';

/** How to run a server program so that it is not root. */
export interface RunAs {
  /** Goes in front of the program and its arguments. */
  readonly prefix: readonly string[];
  /** The user that must own the files of the server, where it is another one than that of this process. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
}

const SAME_USER: RunAs = { prefix: [], owner: undefined };
/** Root outside, so that folders only root may enter work; an ordinary user inside, which is what PostgreSQL wants. */
const USER_NAMESPACE: RunAs = {
  prefix: ['unshare', '--user', '--map-user=1000', '--map-group=1000', '--'],
  owner: undefined,
};
const OTHER_USERS = ['postgres', 'nobody'];

/**
 * PostgreSQL refuses to run as root. So root runs it in a user namespace; where those are not allowed, as another user of
 * the system that can reach the folder and the programs. Throws `embedded_server_failed` when nothing works.
 */
export async function chooseRunAs(folder: string, programs: string): Promise<RunAs> {
  if (os.platform() === 'win32' || os.userInfo().uid !== 0) return SAME_USER;
  // What another user made at an earlier start can only be opened by that user.
  const made = statSync(join(folder, 'data'), { throwIfNoEntry: false });
  if (made && made.uid !== 0) return asUser(folder, made);
  const namespaces = await runProgram([...USER_NAMESPACE.prefix, 'true']);
  if (namespaces.ok) return USER_NAMESPACE;
  const reasons = [`user namespaces are not allowed here (${namespaces.output})`];
  for (const name of OTHER_USERS) {
    const user = readUser(name);
    if (user === undefined) continue;
    const other = asUser(folder, user);
    const reaches = await runProgram([
      ...other.prefix,
      'test',
      '-x',
      dirname(folder),
      '-a',
      '-x',
      join(programs, 'postgres'),
    ]);
    if (reaches.ok) return other;
    reasons.push(`the user ${name} cannot reach ${dirname(folder)} or ${programs}`);
  }
  throw databaseError(
    'embedded_server_failed',
    `PostgreSQL does not run as root, and for the folder ${folder} no other way was found: ${reasons.join('; ')}`,
    {
      remedy:
        'Run Kero as another user than root, or put it and KERO_DATA_DIR where the user postgres or nobody can reach ' +
        'them, or set POSTGRES_HOST to use a server of your own.',
    },
  );
}

function asUser(folder: string, { uid, gid }: { uid: number; gid: number }): RunAs {
  // The folder itself was made for its owner alone; what is secret in it has that mode too.
  if (statSync(folder, { throwIfNoEntry: false })) chmodSync(folder, 0o711);
  return { prefix: ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--'], owner: { uid, gid } };
}

function readUser(name: string): { uid: number; gid: number } | undefined {
  const entry = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((line) => line.startsWith(`${name}:`));
  const [, , uid, gid] = entry?.split(':') ?? [];
  return uid && gid ? { uid: Number(uid), gid: Number(gid) } : undefined;
}
