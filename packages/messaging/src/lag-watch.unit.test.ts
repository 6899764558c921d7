import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createLogger, Metrics } from '@kero/runtime';
import { LagWatch } from './lag-watch.ts';
import type { LagReader, PartitionLag } from './messaging.ts';
import { addLagMetrics } from './messaging-metrics.ts';

function lag(partition: number, committed: bigint | undefined, logEnd: bigint, oldestWaitingMs?: number): PartitionLag {
  return { partition, logStart: 0n, logEnd, committed, oldestWaitingMs };
}

/** A watch on a reader whose answers the test gives, and the metrics that show it. */
function setUp(t: TestContext, answer: () => Promise<readonly PartitionLag[]> = async () => []) {
  let asked = 0;
  const reader: LagReader = {
    read: () => {
      asked++;
      return answer();
    },
    close: async () => {},
  };
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line).msg) };
  const logger = createLogger({ level: 'info', format: 'json', name: 'test', destination });
  const clock = { now: 0, unix: 1_000_000 };
  const advance = (ms: number) => {
    clock.now += ms;
    clock.unix += ms;
  };
  const watch = new LagWatch({ reader, logger, intervalMs: 1_000_000, now: () => clock.now });
  t.after(() => watch[Symbol.asyncDispose]());
  const metrics = new Metrics();
  addLagMetrics(metrics, watch, () => clock.unix);
  const scrape = async () => (await metrics.scrape()).text.split('\n').filter((line) => /^kero/.test(line));
  return {
    watch,
    lines,
    advance,
    scrape,
    asked: () => asked,
    answers: (next: typeof answer) => {
      answer = next;
    },
  };
}

test('shows the lag of each partition, and the age of the oldest record that waits', async (t) => {
  const { watch, scrape, advance, answers } = setUp(t);
  await watch.refresh();
  answers(async () => [lag(0, 5n, 9n, 998_000), lag(1, undefined, 2n, 990_000), lag(2, 7n, 7n)]);
  advance(1000);
  assert.deepEqual(await scrape(), [
    'kero_consumer_lag{partition="0"} 4',
    'kero_consumer_lag{partition="1"} 2',
    'kero_consumer_lag{partition="2"} 0',
    'kero_oldest_unstored_event_seconds 11',
    'kero_consumer_lag_timestamp_seconds 1001',
  ]);
});

test('before the first answer there is no value; with nothing waiting the age is 0', async (t) => {
  const { scrape, answers } = setUp(t, () => Promise.reject(new Error('no broker')));
  assert.deepEqual(await scrape(), []);
  answers(async () => [lag(0, 3n, 3n)]);
  assert.ok((await scrape()).includes('kero_oldest_unstored_event_seconds 0'));
});

test('while the log does not answer the last lag is kept and the age of what waits grows', async (t) => {
  const { watch, scrape, advance, answers, lines } = setUp(t);
  await watch.refresh();
  answers(async () => [lag(0, 5n, 9n, 1_000_000)]);
  await watch.refresh();
  answers(() => Promise.reject(new Error('no broker answers')));
  for (let n = 0; n < 20; n++) {
    advance(5000);
    await watch.refresh();
  }
  assert.deepEqual(await scrape(), [
    'kero_consumer_lag{partition="0"} 4',
    'kero_oldest_unstored_event_seconds 100',
    'kero_consumer_lag_timestamp_seconds 1000',
  ]);
  assert.equal(watch.known?.ageMs, 100_000);
  answers(async () => [lag(0, 9n, 9n)]);
  await watch.refresh();
  assert.deepEqual(lines, [
    'the lag of the group is not known, metrics show the last one: no broker answers',
    'the lag of the group can be read again',
  ]);
});

test('a scrape asks again only when the answer is not fresh, and never twice at a time', async (t) => {
  const { watch, scrape, advance, asked } = setUp(t);
  await watch.refresh();
  const before = asked();
  await scrape();
  assert.equal(asked(), before);
  advance(1000);
  await Promise.all([scrape(), scrape(), watch.refresh()]);
  assert.equal(asked(), before + 1);
});
