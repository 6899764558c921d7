import type { DeadLetter, EventStore, StoreEvent } from '@kero/database';
import type { EventSettings } from '@kero/events';
import type { Consumer, LogRecord, RecordBatch } from '@kero/messaging';
import { type Clock, type Logger, systemClock } from '@kero/runtime';
import { builtInSchemas, type SchemaSource } from '@kero/schemas';
import { createEventFilter } from './event-filter.ts';
import { interpretRecord } from './interpret-record.ts';
import { loadSchema } from './load-schema.ts';
import type { PartitionWrites } from './partition-writes.ts';
import { countBatch, type ProcessorCounts } from './processor-counts.ts';
import type { ObserveBatch } from './processor-metrics.ts';
import type { ProcessorSettings } from './processor-settings.ts';
import { type Place, Room } from './room.ts';
import { NOTHING_STORED } from './store-isolating.ts';
import { storeWithRetry } from './store-with-retry.ts';
import { WriteLanes } from './write-lanes.ts';

/** Interpreted while others are written, so that no connection waits for us. */
const BATCHES_AHEAD = 1;
/** The size of a full batch, in a unit of its own. */
const FULL_BATCH = 1000;
/** As the end of a commit. */
const CLAIMS_NOTHING = 0n;

export interface ProcessEventsDeps {
  readonly consumer: Consumer;
  readonly store: EventStore;
  readonly settings: ProcessorSettings;
  readonly eventSettings: EventSettings;
  /** For records that no receiver has checked. The built-in ones, unless it is told otherwise. */
  readonly schemas?: SchemaSource;
  readonly counts: ProcessorCounts;
  readonly writes: PartitionWrites;
  readonly observeBatch: ObserveBatch;
  readonly logger: Logger;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** The system's, unless a test brings another. */
  readonly clock?: Clock;
}

/**
 * The processor: reads batches, turns records into rows and dead letters, writes each batch in one transaction, and
 * commits its offset after that. Batches of different partitions are written side by side, one on each connection, and small
 * ones together; those of one partition one after the other.
 *
 * Resolves when `stop` aborted and what was in flight is finished. Rejects only for a bug or for what needs a person.
 */
export async function processEvents(deps: ProcessEventsDeps, stop: AbortSignal): Promise<void> {
  const { settings } = deps;
  const failed = new AbortController();
  const until = AbortSignal.any([stop, failed.signal]);
  const stores = createEventFilter(settings.allowedTypes, settings.deniedTypes);
  const lanes = new WriteLanes(deps.store, { lanes: settings.connections, maxRecords: settings.batchMaxRecords });
  const room = new Room((settings.connections + BATCHES_AHEAD) * FULL_BATCH);
  const running = new Set<Promise<void>>();
  const read = { stop: until, maxRecords: settings.batchMaxRecords, maxBytes: settings.batchMaxBytes };

  for await (const batch of deps.consumer.read(read)) {
    const place = room.place(sizeOf(batch, settings));
    await place.take();
    const work = processBatch(batch, { stores, lanes, place }, deps, until)
      .catch((error: unknown) => failed.abort(error))
      .finally(() => {
        place.leave();
        running.delete(work);
      });
    running.add(work);
  }
  await Promise.all(running);
  if (failed.signal.aborted) throw failed.signal.reason;
}

async function processBatch(
  batch: RecordBatch,
  { stores, lanes, place }: { stores: (eventType: string) => boolean; lanes: WriteLanes; place: Place },
  deps: ProcessEventsDeps,
  stop: AbortSignal,
): Promise<void> {
  const { settings, counts, writes, observeBatch, logger, clock = systemClock } = deps;
  const startedAt = clock.now();
  const { schemas = builtInSchemas } = deps;
  const options = { eventSettings: deps.eventSettings, stores, typeSchemas: schemas, nowMs: deps.now() };
  const giveUp = AbortSignal.any([stop, batch.revoked]);
  const events: StoreEvent[] = [];
  const deadLetters: DeadLetter[] = [];
  // The last record that leaves a trace in the database.
  let lastKept: LogRecord | undefined;
  for (const record of batch.records) {
    let found = interpretRecord(record, options);
    while (found.kind === 'schema_not_loaded') {
      const { eventType } = found;
      const waiting = { partition: batch.partition, giveUp, place, writes, logger, clock };
      if (!(await loadSchema(schemas, eventType, waiting))) return;
      found = interpretRecord(record, options);
    }
    if (found.kind === 'skipped') continue;
    if (found.kind === 'event') events.push(found.event);
    else deadLetters.push(found.letter);
    lastKept = record;
  }
  const kept = events.length + deadLetters.length;
  let result = NOTHING_STORED;
  if (kept > 0) {
    const storeBatch = { logId: batch.logId, logPartition: batch.partition, events, deadLetters };
    const stored = await storeWithRetry(lanes, storeBatch, { giveUp, place, writes, logger, clock });
    if (!stored) return;
    result = stored;
  }
  countBatch(counts, batch.records.length, batch.records.length - kept, result);
  observeBatch(batch.records.length, (clock.now() - startedAt) / 1000);
  for (const [reason, n] of result.deadLetters) {
    logger.warn(
      { partition: batch.partition, reason, n },
      n === 1 ? `a record became a dead letter (${reason})` : `${n} records became dead letters (${reason})`,
    );
  }
  const afterLastKept = lastKept === undefined ? CLAIMS_NOTHING : lastKept.offset + 1n;
  batch.commit(settings.commitSkipped ? batch.nextOffset : afterLastKept);
}

/** How much of the room it takes up: small batches are in hand of many partitions at once, full ones only of some. */
function sizeOf({ records }: RecordBatch, { batchMaxRecords, batchMaxBytes }: ProcessorSettings): number {
  const bytes = records.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
  const share = Math.max(records.length / batchMaxRecords, bytes / batchMaxBytes);
  return Math.min(FULL_BATCH, Math.ceil(share * FULL_BATCH));
}
