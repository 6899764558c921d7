import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { connectWritable, noLimits } from '../postgres/client.ts';
import { chooseRunAs } from './run-as.ts';
import { createCluster } from './server-cluster.ts';
import { startServer, stopServer } from './server-control.ts';
import { findFreePort, LOOPBACK, serverFolder } from './server-folder.ts';
import { findServerPrograms } from './server-program.ts';
import { shellSafePrograms } from './shell-safe-programs.ts';

// The data folder too is odd, and so is a clone of Kero in such a folder: nothing of it may go through a shell unquoted.
for (const name of ['with a space', 'a $dollar and $(touch sub) `touch tick`', `quotes " and ' and \\ too`]) {
  test(`a clone in a folder like ${name} has its embedded server`, { timeout: 120_000 }, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'kero-odd-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const installed = dirname(findServerPrograms());
    const clone = join(folder, name);
    mkdirSync(clone);
    cpSync(join(installed, 'bin'), join(clone, 'bin'), { recursive: true });
    for (const part of ['lib', 'share']) symlinkSync(join(installed, part), join(clone, part));
    const data = join(clone, 'postgres');
    mkdirSync(data, { mode: 0o700 });

    const programs = join(clone, 'bin');
    const tools = { folder: serverFolder(data), programs, runAs: await chooseRunAs(data, programs) };
    {
      using safe = shellSafePrograms(programs);
      assert.doesNotMatch(safe.path, /["$`\\]/);
      safe[Symbol.dispose]();
      assert.equal(existsSync(safe.path), safe.path === programs, 'a copy does not stay, and the programs do');
    }
    await createCluster(tools, { user: 'kero', password: 'secret' }, () => {});
    const port = await findFreePort();
    assert.deepEqual(await startServer(tools, port), { ok: true });
    try {
      const { client } = await connectWritable(
        {
          hosts: [{ host: LOOPBACK, port }],
          database: 'postgres',
          user: 'kero',
          password: 'secret',
          sslMode: 'disable',
          sslCaFile: undefined,
          applicationName: 'kero-test',
        },
        noLimits,
      );
      // Needs the library that is loaded from beside the programs.
      await client.query(`do language plpgsql $$ begin perform 1; end $$`);
      await client.end();
    } finally {
      await stopServer(tools);
    }
  });
}
