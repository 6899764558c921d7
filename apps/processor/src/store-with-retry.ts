import type { EventStore, StoreBatch, StoreResult } from '@kero/database';
import { backoffMs, describeError, isKeroError, type Logger, sleep } from '@kero/runtime';
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
  context: { readonly giveUp: AbortSignal; readonly logger: Logger },
): Promise<StoreResult | undefined> {
  const { giveUp, logger } = context;
  let pausedAt: number | undefined;
  for (let attempt = 0; !giveUp.aborted; attempt++) {
    try {
      const result = await storeIsolating(store, batch);
      if (pausedAt !== undefined) {
        const pausedMs = Math.round(performance.now() - pausedAt);
        logger.info(
          { partition: batch.logPartition, pausedMs, attempts: attempt },
          'partition resumed: the database takes writes again',
        );
      }
      return result;
    } catch (error) {
      if (!isKeroError(error)) throw error;
      if (pausedAt === undefined) {
        pausedAt = performance.now();
        logger.warn(
          { partition: batch.logPartition, code: error.code },
          `partition paused, its events wait in the log: ${describeError(error)}. ${error.remedy}`,
        );
      }
      await sleep(backoffMs(attempt, BACKOFF), giveUp);
    }
  }
  return undefined;
}
