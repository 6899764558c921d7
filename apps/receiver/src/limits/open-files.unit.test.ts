import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Logger } from '@kero/runtime';
import { maxConnections } from './open-files.ts';

function ask(wanted: number, openFiles: number) {
  const warnings: string[] = [];
  const logger = { warn: (text: string) => void warnings.push(text) } as unknown as Logger;
  return { connections: maxConnections(wanted, logger, openFiles), warnings };
}

test('as many connections as wanted, where the process may open that many files and 200 more', () => {
  assert.deepEqual(ask(10_000, 10_200), { connections: 10_000, warnings: [] });
  assert.deepEqual(ask(10_000, Number.POSITIVE_INFINITY), { connections: 10_000, warnings: [] });
});

test('otherwise fewer, and a warning that names the setting and the remedy', () => {
  const { connections, warnings } = ask(10_000, 10_199);
  assert.equal(connections, 9999);
  assert.match(warnings.join(), /RECEIVER_MAX_CONNECTIONS is 10000.*only 10199 files: taking 9999.*ulimit -n/);
  assert.equal(ask(10_000, 100).connections, 1);
});
