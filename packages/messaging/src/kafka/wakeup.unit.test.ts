import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Wakeup } from './wakeup.ts';

const HOUR_MS = 3_600_000;

test('many notifications wake once, and one that comes before the wait is not lost', async () => {
  const wakeup = new Wakeup();
  for (let round = 0; round < 3; round++) {
    wakeup.notify();
    wakeup.notify();
    await wakeup.wait(HOUR_MS);
    const sleeping = wakeup.wait(HOUR_MS);
    wakeup.notify();
    wakeup.notify();
    await sleeping;
  }
  const startedAt = performance.now();
  await wakeup.wait(20);
  assert.ok(performance.now() - startedAt > 10, 'nothing of those before is left');
});
