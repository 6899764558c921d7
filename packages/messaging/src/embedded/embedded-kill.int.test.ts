import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { until } from '../contract/log-under-test.contract.ts';
import { countUnstored } from './count-unstored.ts';
import { embeddedConfig, openLog, readAll, temporaryFolder } from './test-support.ts';

const CHILD = fileURLToPath(new URL('./kill-test-child.ts', import.meta.url));
const KILLS = 6;

/** A small seeded generator (mulberry32), so that a failure can be run again. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

test('kill -9 at any moment loses nothing that was confirmed and skips nothing that was not finished', async (t) => {
  const seed = Date.now() & 0xffff;
  t.diagnostic(`seed ${seed}`);
  const next = random(seed);
  const directory = await temporaryFolder(t);
  // A file and not a pipe: writing to it never has to wait, and it outlives the child.
  const report = join(await temporaryFolder(t), 'report');

  for (let round = 0; round < KILLS; round++) {
    using file = openReport(report);
    const child = spawn(process.execPath, [CHILD, directory, String(round)], { stdio: ['ignore', file.fd, 'inherit'] });
    const exited = once(child, 'exit');
    const sizeBefore = statSync(report).size;
    await until(() => statSync(report).size > sizeBefore || child.exitCode !== null, 'the child says something');
    // The moment of the kill is what this is about; nothing is waited for.
    await delay(next() * 400);
    child.kill('SIGKILL');
    assert.deepEqual(await exited, [null, 'SIGKILL']);
  }
  const said = readFileSync(report, 'utf8')
    .split('\n')
    .map((line) => line.split(' '));
  const confirmed = said.flatMap(([what, value = '']) => (what === 'confirmed' ? [value] : []));
  const finished = new Set(said.flatMap(([what, value = '']) => (what === 'finished' ? [value] : [])));
  assert.ok(confirmed.length > KILLS && finished.size > 0);

  const everything = await readTheRest(directory, 'an independent group');
  const missing = confirmed.filter((value) => !everything.has(value));
  assert.deepEqual(missing, [], `of ${confirmed.length} confirmed records, seed ${seed}`);

  const again = await readTheRest(directory, 'g');
  const skipped = [...everything.keys()].filter((value) => !finished.has(value) && !again.has(value));
  assert.deepEqual(skipped, [], `committed but never finished, seed ${seed}`);
  assert.ok(again.size < everything.size, 'commits were kept');
  const doubled = [...everything].filter(([, count]) => count > 1);
  t.diagnostic(`${confirmed.length} confirmed, ${everything.size} in the log, ${again.size} not committed`);
  assert.deepEqual(doubled, [], `stored twice, seed ${seed}`);
});

function openReport(file: string): Disposable & { readonly fd: number } {
  const fd = openSync(file, 'a');
  return { fd, [Symbol.dispose]: () => closeSync(fd) };
}

/** All that a group has left to read, with how often it came. */
async function readTheRest(directory: string, groupId: string): Promise<Map<string, number>> {
  const expected = countUnstored(directory, groupId);
  await using log = await openLog(embeddedConfig(directory));
  const counts = new Map<string, number>();
  for (const { value } of await readAll(log, { groupId, expected })) {
    const text = String(value).trim();
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return counts;
}
