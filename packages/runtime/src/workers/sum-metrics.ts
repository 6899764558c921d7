import { AggregatorRegistry, type Registry } from '@platformatic/prom-client';
import type { MetricSnapshot, Scrape } from '../metrics.ts';

type Snapshots = readonly (readonly MetricSnapshot[])[];

/**
 * One scrape of several processes, the parent first: counters and histograms are summed, gauges too, unless their definition says
 * something else. What the library would leave out (when it started) is shown of the first; what it would average (how late event
 * loops run, which a parent that does nothing would make look well) of the worst.
 */
export async function renderSum(snapshots: Snapshots): Promise<Scrape> {
  const registry = aggregate(snapshots.map((snapshot) => snapshot.map(asShown)));
  return { contentType: registry.contentType, text: await registry.metrics() };
}

/** What ended workers have counted, summed. What they showed of a moment is gone with them. */
export function sumTotals(snapshots: Snapshots): MetricSnapshot[] {
  const totals = snapshots.map((snapshot) => snapshot.filter(({ type }) => type === 'counter' || type === 'histogram'));
  const summed = aggregate(totals).getMetricsAsArray() as readonly unknown[] as MetricSnapshot[];
  return summed.map(({ name, help, type, aggregator, values }) => ({ name, help, type, aggregator, values }));
}

function aggregate(snapshots: MetricSnapshot[][]): Registry {
  return AggregatorRegistry.aggregate(snapshots);
}

function asShown(metric: MetricSnapshot): MetricSnapshot {
  if (metric.aggregator === 'omit') return { ...metric, aggregator: 'first' };
  return metric.aggregator === 'average' ? { ...metric, aggregator: 'max' } : metric;
}
