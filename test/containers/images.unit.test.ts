import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { loadSettings, runtimeSettings } from '@kero/runtime';

const root = new URL('../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');

/** The folder of a workspace and those of every workspace it needs, directly or not. */
function neededFolders(folder: string, found = new Set<string>()): Set<string> {
  if (found.has(folder)) return found;
  found.add(folder);
  const { dependencies = {} } = JSON.parse(read(`${folder}/package.json`)) as { dependencies?: Record<string, string> };
  for (const name of Object.keys(dependencies)) if (name in folderOf) neededFolders(folderOf[name]!, found);
  return found;
}

const workspaces = (JSON.parse(read('package.json')) as { workspaces: string[] }).workspaces;
const folderOf: Record<string, string> = Object.fromEntries(
  workspaces.map((folder) => [(JSON.parse(read(`${folder}/package.json`)) as { name: string }).name, folder]),
);

describe('images', () => {
  for (const app of ['receiver', 'processor', 'cli']) {
    test(`the ${app} image holds the workspaces that ${app} needs, and no other`, () => {
      const dockerfile = read(`deploy/docker/${app}.Dockerfile`);
      const needed = [...neededFolders(`apps/${app}`)].sort();
      const manifests = [...dockerfile.matchAll(/^COPY ((?:apps|packages)\/\S+)\/package\.json /gm)].map(
        ([, path]) => path,
      );
      assert.deepEqual(manifests.sort(), needed);
      // The line `COPY apps apps` takes every workspace below it.
      const sources = [...dockerfile.matchAll(/^COPY (apps|packages)(\/\S+)? \1\2$/gm)].flatMap(([, parent, rest]) =>
        rest ? [`${parent}${rest}`] : workspaces.filter((folder) => folder.startsWith(`${parent}/`)),
      );
      assert.deepEqual(sources.sort(), needed);
    });
  }

  test('Node gets the same flags wherever Kero is started', () => {
    const flagsIn = (text: string | undefined) =>
      [...(text ?? '').matchAll(/--[a-z][a-z0-9=-]+/g)].map(([flag]) => flag);
    const launcher = read('apps/cli/bin/kero.js');
    const expected = flagsIn(launcher.split('\n', 1)[0]);
    assert.ok(expected.length > 0);
    assert.deepEqual(flagsIn(/^const NODE_FLAGS = .*$/m.exec(launcher)?.[0]), expected);
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    for (const script of ['start', 'demo']) assert.deepEqual(flagsIn(scripts[script]), expected, script);
    for (const app of ['receiver', 'processor', 'cli']) {
      const dockerfile = read(`deploy/docker/${app}.Dockerfile`);
      // What is compiled with other flags is of no use.
      for (const line of [/^ENTRYPOINT .*$/m, /^RUN node .*main\.ts/m]) {
        assert.deepEqual(flagsIn(line.exec(dockerfile)?.[0]), expected, `${app}: ${line}`);
      }
    }
  });

  test('compose waits longer for a stop than SHUTDOWN_TIMEOUT', () => {
    const [, seconds] = /^x-kero:[\s\S]*?stop_grace_period: (\d+)s/m.exec(read('compose.yaml')) ?? [];
    const { values } = loadSettings({ runtime: runtimeSettings }, { environment: {} });
    assert.ok(Number(seconds) * 1000 > values.runtime.shutdownTimeoutMs, `stop_grace_period is ${seconds}s`);
  });
});
