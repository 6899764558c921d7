import type { StoreBatch, StoreResult } from '@kero/database';
import { backoffMs, type Clock, describeError, isKeroError, type Logger } from '@kero/runtime';
import type { PartitionWrites } from './partition-writes.ts';
import type { Place } from './room.ts';
import { addResults, halves, NOTHING_STORED, storeIsolating } from './store-isolating.ts';
import type { WriteLanes } from './write-lanes.ts';

const BACKOFF = { firstMs: 50, maxMs: 5000 };

/** An attempt that took this long before it failed was too much for a slow database or link: the next one is smaller. */
const SLOW_ATTEMPT_MS = 10_000;

/**
 * Stores a batch, and while the database cannot, tries again for as long as it takes: an outage pauses the partition and
 * loses nothing. Says so in one log line when the pause begins and one when it ends.
 *
 * To be called with a place taken, and returns with it; it is given up during the waits, so that partitions that are stuck do
 * not stop the others. Only the first attempt may share a transaction with other partitions.
 *
 * Resolves to undefined when `giveUp` aborted first (we are stopping, or the partition went to another member): the batch
 * must not be committed then, and is read again later. Rejects only for errors that are bugs.
 */
export async function storeWithRetry(
  lanes: WriteLanes,
  batch: StoreBatch,
  context: {
    readonly giveUp: AbortSignal;
    readonly place: Place;
    readonly writes: PartitionWrites;
    readonly logger: Logger;
    readonly clock: Clock;
  },
): Promise<StoreResult | undefined> {
  const { giveUp, place, writes, logger, clock } = context;
  const partition = batch.logPartition;
  const parts = [batch];
  let result = NOTHING_STORED;
  using write = writes.begin(partition);
  // To isolate bad records takes many statements: each of them is bounded, all together are not.
  let alone = false;
  const attempting = {
    store: (part: StoreBatch) => {
      const options = { alone, onBegin: () => write.attempt() };
      alone = true;
      return lanes.store(part, options);
    },
  };
  for (let attempt = 0; !giveUp.aborted; attempt++) {
    let startedAt = clock.now();
    try {
      for (let part = parts[0]; part; part = parts[0]) {
        startedAt = clock.now();
        result = addResults(result, await storeIsolating(attempting, part));
        parts.shift();
      }
      if (write.pausedMs !== undefined) {
        const pausedMs = Math.round(write.pausedMs);
        const message = `partition resumed after ${pausedMs} ms: the database takes writes again`;
        logger.info({ partition, pausedMs, attempts: attempt }, message);
      }
      return result;
    } catch (error) {
      if (!isKeroError(error)) throw error;
      const reason = describeError(error);
      if (write.failed(error, reason)) {
        const message = `partition paused, its events wait in the log: ${reason}. ${error.remedy}`;
        logger.warn({ partition, code: error.code }, message);
      }
      if (clock.now() - startedAt > SLOW_ATTEMPT_MS) splitFirst(parts);
      place.leave();
      await clock.sleep(backoffMs(attempt, BACKOFF), giveUp);
      await place.take();
    }
  }
  return undefined;
}

function splitFirst(parts: StoreBatch[]): void {
  const [first] = parts;
  if (first && first.events.length + first.deadLetters.length > 1) parts.splice(0, 1, ...halves(first));
}
