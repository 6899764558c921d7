import type { EventStore, StoreBatch, StoreResult } from '@kero/database';
import { backoffMs, describeError, isKeroError, type Logger, sleep } from '@kero/runtime';
import type { PartitionWrites } from './partition-writes.ts';
import { storeIsolating } from './store-isolating.ts';

const BACKOFF = { firstMs: 50, maxMs: 5000 };

/**
 * Stores a batch, and while the database cannot, tries again for as long as it takes: an outage pauses the partition and
 * loses nothing. Says so in one log line when the pause begins and one when it ends.
 *
 * Resolves to undefined when `giveUp` aborted first (we are stopping, or the partition went to another member): the batch
 * must not be committed then, and is read again later. Rejects only for errors that are bugs.
 */
export async function storeWithRetry(
  store: EventStore,
  batch: StoreBatch,
  context: { readonly giveUp: AbortSignal; readonly writes: PartitionWrites; readonly logger: Logger },
): Promise<StoreResult | undefined> {
  const { giveUp, writes, logger } = context;
  const partition = batch.logPartition;
  using write = writes.begin(partition);
  for (let attempt = 0; !giveUp.aborted; attempt++) {
    try {
      write.attempt();
      const result = await storeIsolating(store, batch);
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
      await sleep(backoffMs(attempt, BACKOFF), giveUp);
    }
  }
  return undefined;
}
