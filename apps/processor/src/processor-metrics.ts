import { deadLetterReasons } from '@kero/database';
import type { Metrics, MetricTable } from '@kero/runtime';
import type { PartitionWrites } from './partition-writes.ts';
import type { ProcessorCounts } from './processor-counts.ts';
import type { Supervision } from './supervise-processing.ts';

export const processorMetrics = {
  read: {
    name: 'kero_records_read_total',
    type: 'counter',
    help: 'Records of the log that are finished: the sum of stored, duplicate, redelivered, skipped and dead-lettered.',
    alert: 'It stands still while `kero_consumer_lag` is above 0.',
  },
  stored: { name: 'kero_events_stored_total', type: 'counter', help: 'New rows in `events`.' },
  duplicate: {
    name: 'kero_events_duplicate_total',
    type: 'counter',
    help: 'Events that were there already, from another position of the log: a client sent them again.',
  },
  redelivered: {
    name: 'kero_events_redelivered_total',
    type: 'counter',
    help: 'Records that were read again although they had been stored: after a crash, a rebalance or an unclear commit.',
  },
  skipped: {
    name: 'kero_events_skipped_total',
    type: 'counter',
    help: 'Events that EVENTS_ALLOWED_TYPES and EVENTS_DENIED_TYPES leave out.',
  },
  deadLetters: {
    name: 'kero_dead_letters_total',
    type: 'counter',
    label: 'reason',
    help: 'New rows in `dead_letters`, by reason (docs/errors.md).',
    alert: 'Any growth: look with `kero dead-letters list`.',
  },
  batchSize: {
    name: 'kero_batch_size',
    type: 'histogram',
    buckets: [1, 10, 50, 100, 500, 1000, 2500, 5000, 10_000, 50_000, 100_000],
    help: 'Records in a batch. Batches grow with the backlog, up to PROCESSOR_BATCH_MAX_RECORDS.',
  },
  batchSeconds: {
    name: 'kero_batch_duration_seconds',
    type: 'histogram',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
    help: 'Time from the hand-out of a batch until it is stored, pauses included.',
  },
  retries: {
    name: 'kero_retries_total',
    type: 'counter',
    label: 'class',
    help: 'Attempts to store a batch (or to fetch a schema for it) that failed and were made again, by error code (docs/errors.md).',
  },
  paused: {
    name: 'kero_partitions_paused',
    type: 'gauge',
    help: 'Partitions that wait for the database, or for the schema of a type. Nothing is lost: their events wait in the log.',
    alert: 'Above 0 for more than a minute: the database is away, or refuses to write, or the Schema Registry is away.',
  },
  assigned: {
    name: 'kero_partitions_assigned',
    type: 'gauge',
    help: 'Partitions that this process reads. No value while it has no place in the group.',
  },
  stopped: {
    name: 'kero_partitions_stopped',
    type: 'gauge',
    help: 'Partitions that stand still until a person acts: what comes next is gone from the log.',
    alert: 'Above 0: events were deleted before they were stored. See `kero offsets show`.',
  },
  rebuilds: {
    name: 'kero_consumer_rebuilds_total',
    type: 'counter',
    help: 'How often the watchdog found that work waits and nothing moves, and built the consumer anew.',
    alert: 'Any growth.',
  },
} as const satisfies MetricTable;

export interface ProcessorMetricsSources {
  readonly counts: ProcessorCounts;
  readonly writes: PartitionWrites;
  readonly supervision: () => Pick<Supervision, 'consumer' | 'rebuilds'> | undefined;
}

/** Takes what one finished batch was. */
export type ObserveBatch = (records: number, seconds: number) => void;

export function addProcessorMetrics(
  metrics: Metrics,
  { counts, writes, supervision }: ProcessorMetricsSources,
): ObserveBatch {
  metrics.add(processorMetrics.read, () => counts.read);
  metrics.add(processorMetrics.stored, () => counts.stored);
  metrics.add(processorMetrics.duplicate, () => counts.duplicates);
  metrics.add(processorMetrics.redelivered, () => counts.redelivered);
  metrics.add(processorMetrics.skipped, () => counts.skipped);
  // All of them from the start, so that the first letter is seen as a growth.
  const reasons = Object.keys(deadLetterReasons) as (keyof typeof deadLetterReasons)[];
  metrics.add(processorMetrics.deadLetters, () =>
    reasons.map((reason) => [reason, counts.deadLetters.get(reason) ?? 0] as const),
  );
  metrics.add(processorMetrics.retries, () => writes.retries);
  metrics.add(processorMetrics.paused, () => writes.pausedCount);
  const positions = () => supervision()?.consumer?.positions();
  metrics.add(processorMetrics.assigned, () => positions()?.length);
  metrics.add(processorMetrics.stopped, () => positions()?.filter(({ stopped }) => stopped !== undefined).length ?? 0);
  metrics.add(processorMetrics.rebuilds, () => supervision()?.rebuilds ?? 0);
  const observeSize = metrics.histogram(processorMetrics.batchSize);
  const observeSeconds = metrics.histogram(processorMetrics.batchSeconds);
  return (records, seconds) => {
    observeSize(records);
    observeSeconds(seconds);
  };
}
