import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { chooseRunAs } from '../../../packages/database/src/embedded/run-as.ts';
import { findFreePort, serverFolder } from '../../../packages/database/src/embedded/server-folder.ts';
import { findServerPrograms } from '../../../packages/database/src/embedded/server-program.ts';
import { waitUntil } from '../wait-until.ts';
import { OwnPostgresServer, startPostgresServer } from './postgres-server.ts';

export interface PostgresPair {
  readonly primary: OwnPostgresServer;
  /** Streams from the primary; what is committed there has reached it (synchronous replication). */
  readonly standby: OwnPostgresServer;
  /** Makes the standby take writes; it needs a moment for that. */
  promote(): void;
  remove(): Promise<void>;
}

/** Two real servers that replicate. The npm package has no pg_basebackup, so the stopped primary is copied. */
export async function startPostgresPair(): Promise<PostgresPair> {
  const path = mkdtempSync(join(tmpdir(), 'kero-primary-'));
  const { server: primary, remove } = await startPostgresServer(path);
  await primary.run(`alter system set synchronous_standby_names = '*'`);
  await primary.stop();
  const copy = mkdtempSync(join(tmpdir(), 'kero-standby-'));
  execFileSync('cp', ['-a', join(path, 'data'), join(copy, 'data')]);
  const from = `host=127.0.0.1 port=${primary.port} user=kero password=test`;
  appendFileSync(join(copy, 'data', 'postgresql.auto.conf'), `primary_conninfo = '${from}'\n`);
  appendFileSync(join(copy, 'data', 'postgresql.auto.conf'), `synchronous_standby_names = ''\n`);
  writeFileSync(join(copy, 'data', 'standby.signal'), '');
  const programs = findServerPrograms();
  const tools = { folder: serverFolder(copy), programs, runAs: await chooseRunAs(copy, programs) };
  const standby = new OwnPostgresServer(tools, await findFreePort(), 'test');
  await primary.start();
  await standby.start();
  await waitUntil(async () =>
    (await primary.run('select sync_state from pg_stat_replication')).flat().includes('sync'),
  );
  return {
    primary,
    standby,
    promote: () => {
      // What `pg_ctl promote` does.
      writeFileSync(join(copy, 'data', 'promote'), '');
      if (standby.pid !== undefined) process.kill(standby.pid, 'SIGUSR1');
    },
    remove: async () => {
      await standby.stop();
      rmSync(copy, { recursive: true, force: true });
      await remove();
    },
  };
}
