import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Metrics } from './metrics.ts';

async function lines(metrics: Metrics, name: string): Promise<string[]> {
  const { text } = await metrics.scrape();
  return text.split('\n').filter((line) => line.startsWith(name));
}

test('a counter shows what was counted at the moment of the scrape, with its type and help', async () => {
  const metrics = new Metrics();
  let count = 0;
  metrics.add({ name: 'kero_things_total', type: 'counter', help: 'Things.' }, () => count);
  assert.deepEqual(await lines(metrics, 'kero_things_total'), ['kero_things_total 0']);
  count = 7;
  assert.deepEqual(await lines(metrics, 'kero_things_total'), ['kero_things_total 7']);
  assert.deepEqual(await lines(metrics, 'kero_things_total'), ['kero_things_total 7'], 'it is read, not added');
  const { text, contentType } = await metrics.scrape();
  assert.match(text, /# HELP kero_things_total Things\.\n# TYPE kero_things_total counter\n/);
  assert.match(contentType, /^text\/plain; version=0\.0\.4/);
});

test('a labelled metric has a line for each value, and forgets values that are gone', async () => {
  const metrics = new Metrics();
  let values: [string, number][] = [
    ['0', 3],
    ['1', 0],
  ];
  metrics.add({ name: 'kero_lag', type: 'gauge', help: 'Lag.', label: 'partition' }, () => values);
  assert.deepEqual(await lines(metrics, 'kero_lag'), ['kero_lag{partition="0"} 3', 'kero_lag{partition="1"} 0']);
  values = [['1', 5]];
  assert.deepEqual(await lines(metrics, 'kero_lag'), ['kero_lag{partition="1"} 5']);
});

test('what is not known has no line: a zero would be a lie', async () => {
  const metrics = new Metrics();
  let age: number | undefined;
  metrics.add({ name: 'kero_lag', type: 'gauge', help: 'Lag.', label: 'partition' }, () => undefined);
  assert.deepEqual(await lines(metrics, 'kero_lag'), []);
  metrics.add({ name: 'kero_age_seconds', type: 'gauge', help: 'Age.' }, () => age);
  assert.deepEqual(await lines(metrics, 'kero_age_seconds'), []);
  age = 0;
  assert.deepEqual(await lines(metrics, 'kero_age_seconds'), ['kero_age_seconds 0']);
});

test('a histogram counts into its buckets', async () => {
  const metrics = new Metrics();
  const observe = metrics.histogram({ name: 'kero_size', type: 'histogram', help: 'Size.', buckets: [1, 10] });
  for (const value of [1, 2, 20]) observe(value);
  assert.deepEqual(await lines(metrics, 'kero_size'), [
    'kero_size_bucket{le="1"} 1',
    'kero_size_bucket{le="10"} 2',
    'kero_size_bucket{le="+Inf"} 3',
    'kero_size_sum 23',
    'kero_size_count 3',
  ]);
});

test('a refresher runs before the values are read; one that fails does not spoil the scrape', async () => {
  const metrics = new Metrics();
  let value = 1;
  metrics.add({ name: 'kero_fresh', type: 'gauge', help: 'Fresh.' }, () => value);
  metrics.beforeScrape(async () => {
    await Promise.resolve();
    value = 2;
  });
  metrics.beforeScrape(async () => {
    throw new Error('the log does not answer');
  });
  assert.deepEqual(await lines(metrics, 'kero_fresh'), ['kero_fresh 2']);
});

test('a process shows its memory, processor time and event loop', async () => {
  const metrics = Metrics.ofProcess();
  const { text } = await metrics.scrape();
  for (const name of [
    'process_resident_memory_bytes',
    'process_cpu_seconds_total',
    'nodejs_eventloop_lag_p99_seconds',
  ]) {
    assert.match(text, new RegExp(`^${name} [0-9.e+-]+$`, 'm'));
  }
});
