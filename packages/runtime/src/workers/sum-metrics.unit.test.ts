import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type MetricDefinition, Metrics } from '../metrics.ts';
import { renderSum, sumTotals } from './sum-metrics.ts';

const gauge = (name: string, together?: 'max' | 'min'): MetricDefinition => ({
  name,
  type: 'gauge',
  help: 'A gauge.',
  ...(together && { together }),
});

/** A process that has counted `n` things. */
function metricsOf(n: number): Metrics {
  const metrics = new Metrics();
  metrics.add({ name: 'plain_total', type: 'counter', help: 'Plain.' }, () => n);
  metrics.add({ name: 'labelled_total', type: 'counter', help: 'Labelled.', label: 'code' }, () => [
    ['both', n],
    [`only_${n}`, 1],
  ]);
  metrics.add(gauge('open'), () => n);
  metrics.add(gauge('age', 'max'), () => n);
  metrics.add(gauge('expiry', 'min'), () => n);
  const observe = metrics.histogram({ name: 'size', type: 'histogram', help: 'Size.', buckets: [2, 10] });
  observe(n);
  return metrics;
}

const lines = (text: string) => text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

test('counters, histograms and gauges are summed, with their labels; gauges that say so are the largest or smallest', async () => {
  const { text, contentType } = await renderSum([await metricsOf(1).snapshot(), await metricsOf(5).snapshot()]);
  assert.deepEqual(lines(text), [
    'plain_total 6',
    'labelled_total{code="both"} 6',
    'labelled_total{code="only_1"} 1',
    'labelled_total{code="only_5"} 1',
    'open 6',
    'age 5',
    'expiry 1',
    'size_bucket{le="2"} 1',
    'size_bucket{le="10"} 2',
    'size_bucket{le="+Inf"} 2',
    'size_sum 6',
    'size_count 2',
  ]);
  assert.match(text, /# HELP plain_total Plain\.\n# TYPE plain_total counter\n/);
  assert.match(contentType, /^text\/plain; version=0\.0\.4/);
});

test('a metric that only one of them has is there', async () => {
  const parent = new Metrics();
  parent.add({ name: 'lag', type: 'gauge', help: 'Lag.', label: 'partition' }, () => [['0', 3]]);
  const { text } = await renderSum([await parent.snapshot(), await metricsOf(1).snapshot()]);
  assert.ok(lines(text).includes('lag{partition="0"} 3'), text);
});

test('of what the library would average the worst is shown', async () => {
  const lag = (value: number) => [
    { name: 'lag', help: 'Lag.', type: 'gauge', aggregator: 'average', values: [{ value, labels: {} }] },
  ];
  assert.deepEqual(lines((await renderSum([lag(1), lag(5)])).text), ['lag 5']);
});

test('what the process tells of itself is of all of them: the start of the first, the memory of all', async () => {
  const processes = [Metrics.ofProcess(), Metrics.ofProcess()];
  const snapshots = await Promise.all(processes.map((metrics) => metrics.snapshot()));
  const firstOf = (snapshot: (typeof snapshots)[number] | undefined, name: string) =>
    snapshot?.find((metric) => metric.name === name)?.values[0]?.value ?? Number.NaN;
  const { text } = await renderSum(snapshots);
  const shown = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
  assert.equal(shown('process_start_time_seconds'), firstOf(snapshots[0], 'process_start_time_seconds'));
  const memory = snapshots.map((snapshot) => firstOf(snapshot, 'process_resident_memory_bytes'));
  const [first = 0, second = 0] = memory;
  assert.equal(shown('process_resident_memory_bytes'), first + second);
});

test('of ended ones the totals stay and what was of a moment goes; they can be summed again and sent', async () => {
  const once = sumTotals([await metricsOf(1).snapshot(), await metricsOf(2).snapshot()]);
  const twice = sumTotals([structuredClone(once), await metricsOf(3).snapshot()]);
  const { text } = await renderSum([twice]);
  assert.deepEqual(
    lines(text).filter((line) => /^(plain|open|age|size_(sum|count))/.test(line)),
    ['plain_total 6', 'size_sum 6', 'size_count 3'],
  );
});

test('totals are counters and histograms, at the moment they are asked for', async () => {
  const totals = await metricsOf(4).totals();
  assert.deepEqual(
    totals.map(({ name }) => name),
    ['plain_total', 'labelled_total', 'size'],
  );
  assert.equal(totals[0]?.values[0]?.value, 4);
  structuredClone(totals);
});
