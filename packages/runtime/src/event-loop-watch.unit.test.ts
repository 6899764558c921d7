import assert from 'node:assert/strict';
import { test } from 'node:test';
import { watchEventLoop } from './event-loop-watch.ts';
import { createLogger } from './logger.ts';
import { Metrics } from './metrics.ts';

test('standing still for a second and more is counted and said once; small delays are not', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const logger = createLogger({ level: 'info', format: 'json', name: 'test', destination });
  const metrics = new Metrics();
  let now = 0;
  using _ = watchEventLoop({ metrics, logger, now: () => now });
  const tickAfter = (ms: number) => {
    now += ms;
    t.mock.timers.tick(500);
  };
  for (const ms of [500, 510, 1400]) tickAfter(ms);
  assert.deepEqual(lines, []);
  tickAfter(90_500);
  tickAfter(500);
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /the process stood still for 90000 ms/);
  assert.match((await metrics.scrape()).text, /^kero_event_loop_blocked_seconds_total 90$/m);
});
