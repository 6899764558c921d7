import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { createLogger, isKeroError } from '@kero/runtime';
import { changeKeyFile } from './change-key-file.ts';
import { addKey, revokeKey } from './edit-keys.ts';
import { renderKeyFile } from './key-file.ts';
import { WatchedKeys } from './watched-keys.ts';

const WANTED = { sources: ['shop'], anySource: false, scopes: ['events:write'] } as const;
const MAX_AGE = 60_000;

async function watched(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'kero-keys-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'keys.json');
  const create = async () => {
    const { text, made } = await changeKeyFile(path, (keys) => addKey(keys, WANTED, Date.now()));
    return { text, id: made.id };
  };
  const first = await create();
  let log = '';
  const clock = { elapsed: 0 };
  const destination = {
    write: (line: string) => {
      log += line;
    },
  };
  const open = async () => {
    const keys = await WatchedKeys.open({
      path,
      maxAgeMs: MAX_AGE,
      logger: createLogger({ level: 'debug', format: 'json', name: 'test', destination }),
      now: Date.now,
      elapsed: () => clock.elapsed,
      pollMs: 5,
    });
    t.after(() => keys[Symbol.dispose]());
    return keys;
  };
  return { path, first, create, open, clock, log: () => log };
}

async function until(condition: () => boolean): Promise<void> {
  const giveUp = performance.now() + 30_000;
  while (!condition()) {
    if (performance.now() > giveUp) throw new Error(`waited in vain for ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('a file of API keys that is watched', () => {
  test('takes a new key and lets a revoked one go', async (t) => {
    const { path, first, create, open } = await watched(t);
    const keys = await open();
    const outcome = (text: string) => keys.verify(text).outcome;
    assert.equal(outcome(first.text), 'known');
    const second = await create();
    await until(() => outcome(second.text) === 'known');
    assert.equal(outcome(first.text), 'known');
    await changeKeyFile(path, (stored) => ({ keys: revokeKey(stored, first.id, Date.now()) }));
    await until(() => outcome(first.text) === 'refused');
    assert.equal(outcome(second.text), 'known');
    assert.equal(keys.countLive(), 1);
  });

  test('notices a change that leaves size and time of the file as they were', async (t) => {
    const { path, open } = await watched(t);
    const a = addKey([], WANTED, 0);
    const b = addKey([], WANTED, 0);
    const time = new Date('2026-11-23T10:00:00Z');
    const write = (keys: typeof a.keys) => {
      writeFileSync(path, renderKeyFile(keys));
      utimesSync(path, time, time);
      return statSync(path);
    };
    const before = write(a.keys);
    const keys = await open();
    assert.equal(keys.verify(a.text).outcome, 'known');
    const after = write(b.keys);
    assert.deepEqual([after.size, after.mtimeMs, after.ino], [before.size, before.mtimeMs, before.ino]);
    await until(() => keys.verify(b.text).outcome === 'known');
    assert.equal(keys.verify(a.text).outcome, 'refused');
  });

  const breakages: [what: string, breakIt: (path: string) => void][] = [
    ['is not JSON any more', (path) => writeFileSync(path, '{"version":1,"ke')],
    ['is gone', (path) => rmSync(path)],
    [
      'is a folder',
      (path) => {
        rmSync(path);
        mkdirSync(path);
      },
    ],
  ];
  for (const [what, breakIt] of breakages) {
    test(`one that ${what}: the keys of before count for a while, then nobody is let in, until it is good again`, async (t) => {
      const { path, first, open, clock, log } = await watched(t);
      const keys = await open();
      breakIt(path);
      await until(() => log().includes('"level":"warn"'));
      clock.elapsed = MAX_AGE;
      assert.equal(keys.verify(first.text).outcome, 'known');
      assert.equal(keys.health().up, true);
      clock.elapsed = MAX_AGE + 1;
      assert.equal(keys.verify(first.text).outcome, 'unavailable');
      assert.equal(keys.health().up, false);
      assert.equal(keys.ageSeconds(), 60.001);
      await until(() => log().includes('get 503'));
      assert.equal(log().match(/"level":"warn"/g)?.length, 1, 'one line when it begins');

      rmSync(path, { recursive: true, force: true });
      const { keys: fresh, text } = addKey([], WANTED, Date.now());
      writeFileSync(path, renderKeyFile(fresh), { mode: 0o600 });
      await until(() => keys.verify(text).outcome === 'known');
      assert.equal(keys.verify(first.text).outcome, 'refused');
      assert.equal(keys.health().up, true);
      assert.match(log(), /can be read again/);
    });
  }

  test('no start without a good file', async (t) => {
    for (const [, breakIt] of breakages) {
      const { path, open } = await watched(t);
      breakIt(path);
      await assert.rejects(open(), (error) => isKeroError(error, 'keys_file_unusable') && error.message.includes(path));
    }
  });

  test('says that other users may read it, when it begins and when that changes', async (t) => {
    const { path, open, log } = await watched(t);
    await open();
    assert.doesNotMatch(log(), /open to other users/);
    chmodSync(path, 0o644);
    await until(() => /open to other users \(mode 0644\)/.test(log()));
    chmodSync(path, 0o620);
    await until(() => /open to other users \(mode 0620\)/.test(log()));
  });
});
