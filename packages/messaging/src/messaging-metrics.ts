import type { Metrics, MetricTable } from '@kero/runtime';
import type { CircuitProducer } from './circuit-breaker.ts';
import type { LagWatch } from './lag-watch.ts';
import { positionLag } from './offset-admin.ts';

/** What receiver and processor alike can tell of the log, so that it is told while one of them is gone. */
export const lagMetrics = {
  lag: {
    name: 'kero_consumer_lag',
    type: 'gauge',
    label: 'partition',
    help: 'Records in the log that the group has not committed. Asked from the log itself, by every process, whoever reads.',
    alert: '`max by (partition)` grows for 10 minutes.',
  },
  oldest: {
    name: 'kero_oldest_unstored_event_seconds',
    type: 'gauge',
    help: 'Age of the oldest record that the group has not committed; 0 when there is none.',
    alert: 'Above 60: events wait. Above half of the retention of the topic: they are about to be deleted unread.',
  },
  readAt: {
    name: 'kero_consumer_lag_timestamp_seconds',
    type: 'gauge',
    help: 'When the log last answered how far the group has come (Unix time). While it does not, the lag shown is the last known one.',
    alert: '`time() - kero_consumer_lag_timestamp_seconds > 60`: the lag is not known.',
  },
} as const satisfies MetricTable;

export const circuitMetrics = {
  open: {
    name: 'kero_circuit_open',
    type: 'gauge',
    together: 'max',
    help: '1 while appends are refused at once because the log is down, else 0.',
    alert: '1 for more than a minute: clients get 503.',
  },
  opened: {
    name: 'kero_circuit_opened_total',
    type: 'counter',
    help: 'How often the log was found to be down.',
  },
} as const satisfies MetricTable;

/** `now`: Unix milliseconds. */
export function addLagMetrics(metrics: Metrics, watch: LagWatch, now: () => number): void {
  metrics.beforeScrape(() => watch.refreshForScrape());
  metrics.add(lagMetrics.lag, () =>
    watch.known?.partitions.map((position) => [String(position.partition), Number(positionLag(position))] as const),
  );
  metrics.add(lagMetrics.oldest, () => {
    const known = watch.known;
    if (!known) return undefined;
    const oldest = Math.min(
      ...known.partitions.map(({ oldestWaitingMs }) => oldestWaitingMs ?? Number.POSITIVE_INFINITY),
    );
    return oldest === Number.POSITIVE_INFINITY ? 0 : Math.max(0, now() - oldest) / 1000;
  });
  metrics.add(lagMetrics.readAt, () => watch.known && (now() - watch.known.ageMs) / 1000);
}

export function addCircuitMetrics(metrics: Metrics, producer: CircuitProducer): void {
  metrics.add(circuitMetrics.open, () => (producer.circuit.refusing ? 1 : 0));
  metrics.add(circuitMetrics.opened, () => producer.circuit.opened);
}
