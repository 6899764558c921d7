import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { describe, type TestContext, test } from 'node:test';
import { isKeroError } from '@kero/runtime';
import { changeKeyFile, loadKeys } from './change-key-file.ts';
import { addKey } from './edit-keys.ts';

const NOW = Date.parse('2026-11-23T10:00:00Z');
const WANTED = { sources: ['shop'], anySource: false, scopes: ['events:write'] } as const;

function throwawayFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'kero-keys-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const create = (path: string) => changeKeyFile(path, (keys) => addKey(keys, WANTED, NOW));

describe('changing the file of API keys', () => {
  test('makes it where there is none, in a folder that is made too, for its owner alone', async (t) => {
    const path = join(throwawayFolder(t), 'a', 'b', 'keys.json');
    const { made } = await create(path);
    assert.deepEqual(
      (await loadKeys(path)).map(({ id }) => id),
      [made.id],
    );
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(statSync(`${path}.lock`).mode & 0o777, 0o600);
  });

  test('many changes at the same time lose nothing', async (t) => {
    const path = join(throwawayFolder(t), 'keys.json');
    const made = await Promise.all(Array.from({ length: 20 }, async () => (await create(path)).made.id));
    assert.deepEqual((await loadKeys(path)).map(({ id }) => id).sort(), made.sort());
  });

  test('replaces the file in one step, leaves nothing behind, and keeps its rights', async (t) => {
    const folder = throwawayFolder(t);
    const path = join(folder, 'keys.json');
    await create(path);
    chmodSync(path, 0o640);
    const before = statSync(path);
    await create(path);
    const after = statSync(path);
    assert.notEqual(after.ino, before.ino);
    assert.equal(after.mode & 0o777, 0o640);
    assert.equal(after.uid, before.uid);
    assert.deepEqual(readdirSync(folder).sort(), ['keys.json', 'keys.json.lock']);
  });

  test('root changes the file of another user, and it stays theirs', async (t) => {
    if (process.getuid?.() !== 0) return t.skip('only root may give files away');
    const path = join(throwawayFolder(t), 'keys.json');
    await create(path);
    chownSync(path, 12_345, 54_321);
    await create(path);
    const { uid, gid, mode } = statSync(path);
    assert.deepEqual([uid, gid, mode & 0o777], [12_345, 54_321, 0o600]);
  });

  test('a symbolic link stays one', async (t) => {
    const folder = throwawayFolder(t);
    const path = join(folder, 'real.json');
    await create(path);
    const link = join(folder, 'link.json');
    symlinkSync(path, link);
    await create(link);
    assert.equal((await loadKeys(path)).length, 2);
    assert.deepEqual(readdirSync(folder).sort(), ['link.json', 'real.json', 'real.json.lock']);
  });

  test('a broken file is not written over', async (t) => {
    const path = join(throwawayFolder(t), 'keys.json');
    writeFileSync(path, '{"version":1,"keys":[{}]}');
    await assert.rejects(create(path), (error) => isKeroError(error, 'keys_file_unusable'));
    assert.equal(readFileSync(path, 'utf8'), '{"version":1,"keys":[{}]}');
  });

  test('a change that fails changes nothing, and the next one works', async (t) => {
    const path = join(throwawayFolder(t), 'keys.json');
    await create(path);
    const text = readFileSync(path, 'utf8');
    await assert.rejects(
      changeKeyFile(path, () => {
        throw new Error('no');
      }),
      /^Error: no$/,
    );
    assert.equal(readFileSync(path, 'utf8'), text);
    await create(path);
  });

  test('what cannot be written says so', async (t) => {
    const folder = throwawayFolder(t);
    writeFileSync(join(folder, 'file'), '');
    await assert.rejects(create(join(folder, 'file', 'keys.json')), (error) =>
      isKeroError(error, 'keys_file_not_written'),
    );
  });
});
