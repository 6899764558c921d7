import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readSettings } from '@kero/runtime';
import { receiverSettings } from '../receiver-settings.ts';
import { resolveWorkerCount } from './worker-count.ts';

function read(environment: Record<string, string>) {
  const { values, problems } = readSettings({ receiver: receiverSettings }, { environment });
  return problems.length > 0 ? problems : values.receiver.workers;
}

describe('RECEIVER_WORKERS', () => {
  test('is one, a number, or auto', () => {
    assert.equal(read({}), 1);
    assert.equal(read({ RECEIVER_WORKERS: '4' }), 4);
    assert.equal(read({ RECEIVER_WORKERS: 'auto' }), 'auto');
  });

  test('is nothing else', () => {
    for (const text of ['0', '-1', '257', '1.5', 'all', '2 ', '1e2']) {
      assert.match(String(read({ RECEIVER_WORKERS: text })), /RECEIVER_WORKERS: expected .* or auto/, text);
    }
  });

  test('auto is as many as there are cores', () => {
    assert.equal(resolveWorkerCount('auto', 6), 6);
    assert.equal(resolveWorkerCount('auto', 1000), 256);
    assert.equal(resolveWorkerCount(3, 6), 3);
    assert.ok(resolveWorkerCount('auto') >= 1);
  });
});
