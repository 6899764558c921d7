import type { DeadLetter, EventStore, StoreBatch, StoreEvent, StoreResult } from '@kero/database';
import { describeError, isKeroError } from '@kero/runtime';

export const NOTHING_STORED: StoreResult = { stored: 0, duplicates: 0, redelivered: 0, deadLetters: new Map() };

/**
 * Stores a batch; where the database refuses the data of a record, finds that record by halving, puts it alone into
 * `dead_letters`, and stores its neighbours. One bad record in n costs about 2 log2(n) transactions.
 *
 * A record is only called bad when it fails alone and the database takes its dead letter right after: an outage never
 * makes a dead letter. Rejects with what the store rejects with; the parts that are stored by then are recognised as
 * redelivered when the batch is tried again.
 */
export async function storeIsolating(store: Pick<EventStore, 'store'>, batch: StoreBatch): Promise<StoreResult> {
  try {
    return await store.store(batch);
  } catch (error) {
    if (!isKeroError(error, 'data_refused')) throw error;
    if (batch.events.length + batch.deadLetters.length > 1) {
      const [first, second] = halves(batch);
      return addResults(await storeIsolating(store, first), await storeIsolating(store, second));
    }
    const event = batch.events[0];
    // A letter that is refused as well leaves nothing to isolate: the partition waits and a person must look.
    if (!event) throw error;
    return await store.store({ ...batch, events: [], deadLetters: [refused(event, error)] });
  }
}

/** Splits by offset, so that of two events with the same id the earlier one is still stored first. */
export function halves(batch: StoreBatch): [StoreBatch, StoreBatch] {
  const offsets = [...batch.events, ...batch.deadLetters].map(({ record }) => record.offset).sort(ascending);
  const middle = offsets[Math.floor(offsets.length / 2)] ?? 0n;
  const part = (inside: (offset: bigint) => boolean): StoreBatch => ({
    ...batch,
    events: batch.events.filter(({ record }) => inside(record.offset)),
    deadLetters: batch.deadLetters.filter(({ record }) => inside(record.offset)),
  });
  return [part((offset) => offset < middle), part((offset) => offset >= middle)];
}

function refused(event: StoreEvent, error: unknown): DeadLetter {
  return {
    id: event.id,
    reason: 'refused_by_database',
    detail: describeError(error instanceof Error && error.cause ? error.cause : error),
    record: event.record,
  };
}

export function addResults(a: StoreResult, b: StoreResult): StoreResult {
  const deadLetters = new Map(a.deadLetters);
  for (const [reason, n] of b.deadLetters) deadLetters.set(reason, (deadLetters.get(reason) ?? 0) + n);
  return {
    stored: a.stored + b.stored,
    duplicates: a.duplicates + b.duplicates,
    redelivered: a.redelivered + b.redelivered,
    deadLetters,
  };
}

function ascending(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
