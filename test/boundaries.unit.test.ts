import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

/**
 * Which part may know which: the receiver must run without the database, the processor without the HTTP API, and each
 * could move to a repository of its own. docs/architecture.md tells why.
 */
const MAY_IMPORT: Record<string, readonly string[]> = {
  'packages/runtime': [],
  'packages/events': ['@kero/runtime'],
  'packages/messaging': ['@kero/runtime'],
  'packages/database': ['@kero/runtime'],
  'packages/auth': ['@kero/runtime'],
  'packages/schemas': ['@kero/runtime', '@kero/events'],
  'packages/client': [],
  'apps/receiver': ['@kero/runtime', '@kero/events', '@kero/messaging', '@kero/auth', '@kero/schemas'],
  'apps/processor': ['@kero/runtime', '@kero/events', '@kero/messaging', '@kero/database', '@kero/schemas'],
  'apps/cli': [
    '@kero/runtime',
    '@kero/events',
    '@kero/messaging',
    '@kero/database',
    '@kero/auth',
    '@kero/schemas',
    '@kero/receiver',
    '@kero/processor',
  ],
};

const root = fileURLToPath(new URL('..', import.meta.url));
const IMPORT =
  /(?:^|\s)(?:import|export)\s[^'"]*?from\s+['"]([^'"]+)['"]|import\s*\(\s*['"]([^'"]+)['"]|import\s+['"]([^'"]+)['"]/gm;

function importsOf(file: string): string[] {
  return [...readFileSync(file, 'utf8').matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? match[3] ?? '');
}

function sourcesOf(part: string): string[] {
  return globSync(`${part}/{src,bin}/**/*.{ts,js}`, { cwd: root }).map((file) => join(root, file));
}

for (const [part, allowed] of Object.entries(MAY_IMPORT)) {
  describe(part, () => {
    const files = sourcesOf(part);

    test('imports only the parts of Kero that it may know', () => {
      assert.ok(files.length > 0, 'has sources');
      for (const file of files) {
        const foreign = importsOf(file).filter((name) => name.startsWith('@kero/') && !allowed.includes(name));
        assert.deepEqual(foreign, [], `${file} imports ${foreign}, which ${part} must not know`);
      }
    });

    test('does not reach into another folder by a relative path', () => {
      for (const file of files.filter((name) => !/\.(test|contract)\.ts$/.test(name))) {
        for (const name of importsOf(file).filter((specifier) => specifier.startsWith('.'))) {
          const target = resolve(dirname(file), name);
          assert.ok(target.startsWith(join(root, part)), `${file} imports ${name}`);
        }
      }
    });

    test('declares what it imports in its package.json, and no part of Kero besides', () => {
      const manifest = JSON.parse(readFileSync(join(root, part, 'package.json'), 'utf8')) as {
        dependencies?: Record<string, string>;
      };
      const declared = Object.keys(manifest.dependencies ?? {}).filter((name) => name.startsWith('@kero/'));
      assert.deepEqual(
        declared.filter((name) => !allowed.includes(name)),
        [],
        'declares only what it may know',
      );
      const used = new Set(
        files.flatMap(importsOf).filter((name) => !name.startsWith('.') && !name.startsWith('node:')),
      );
      for (const name of used) {
        const packageName = name.startsWith('@') ? name.split('/').slice(0, 2).join('/') : (name.split('/')[0] ?? '');
        const inTests = ['fast-check', 'cloudevents'].includes(packageName);
        assert.ok(
          inTests || packageName in (manifest.dependencies ?? {}),
          `${part} imports ${packageName} without declaring it`,
        );
      }
    });
  });
}

test('only main files, tests and the launcher touch the process object', () => {
  for (const file of Object.keys(MAY_IMPORT).flatMap(sourcesOf)) {
    if (/(main|\.test|\.contract|-test-child|\.test-program|-under-test|test-support)\.ts$|bin\/kero\.js$/.test(file))
      continue;
    const text = readFileSync(file, 'utf8');
    const uses = text.match(/^import process from|\bprocess\.(env|exit|argv|stdout|stderr|on)\b/m);
    const takesItAsArgument = /process: \w*Process/.test(text);
    assert.ok(!uses || takesItAsArgument, `${file} uses ${uses?.[0]}`);
  }
});
