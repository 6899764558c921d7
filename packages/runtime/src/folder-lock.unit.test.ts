import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { isKeroError } from './errors.ts';
import { lockFolder } from './folder-lock.ts';

function throwawayFolder(t: { after: (fn: () => void) => void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'kero-lock-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('a folder has one owner at a time, and the error names it', (t) => {
  const folder = throwawayFolder(t);
  const lock = lockFolder(join(folder, 'new'));
  assert.throws(
    () => lockFolder(join(folder, 'new')),
    (error) => isKeroError(error, 'folder_in_use') && error.message.includes(`process ${process.pid}`),
  );
  lock[Symbol.dispose]();
  lockFolder(join(folder, 'new'))[Symbol.dispose]();
});

test('other users can pass through the folders that are made above it, and not into it', (t) => {
  const folder = throwawayFolder(t);
  lockFolder(join(folder, 'data', 'deep', 'messaging'))[Symbol.dispose]();
  const modeOf = (...parts: string[]) => (statSync(join(folder, ...parts)).mode & 0o777).toString(8);
  assert.equal(modeOf('data'), '711');
  assert.equal(modeOf('data', 'deep'), '711');
  assert.equal(modeOf('data', 'deep', 'messaging'), '700');
});

test('the lock of a process that was killed is gone with it', async (t) => {
  const folder = throwawayFolder(t);
  const script = `import { lockFolder } from ${JSON.stringify(new URL('./folder-lock.ts', import.meta.url).href)};
    lockFolder(${JSON.stringify(folder)}); gc(); console.log('locked'); setInterval(() => {}, 1000);`;
  const owner = spawn(process.execPath, ['--expose-gc', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => owner.kill('SIGKILL'));
  await once(owner.stdout, 'data');
  assert.throws(
    () => lockFolder(folder),
    (error) => isKeroError(error, 'folder_in_use') && error.message.includes(String(owner.pid)),
  );
  owner.kill('SIGKILL');
  await once(owner, 'exit');
  lockFolder(folder)[Symbol.dispose]();
});

test('a folder that cannot be made is named with the reason', (t) => {
  const folder = throwawayFolder(t);
  writeFileSync(join(folder, 'file'), '');
  chmodSync(join(folder, 'file'), 0o600);
  assert.throws(
    () => lockFolder(join(folder, 'file', 'below')),
    (error) => isKeroError(error, 'folder_unusable') && error.message.includes(join(folder, 'file', 'below')),
  );
});
