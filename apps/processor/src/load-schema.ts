import { backoffMs, type Clock, describeError, isKeroError, type Logger } from '@kero/runtime';
import type { SchemaSource } from '@kero/schemas';
import type { PartitionWrites } from './partition-writes.ts';
import type { Place } from './room.ts';

const BACKOFF = { firstMs: 200, maxMs: 5000 };

/**
 * Fetches the schema of a type for a record that no receiver has checked, and tries again for as long as it takes: that nobody can
 * tell whether an event is valid pauses its partition, and never makes a dead letter. Says so in one log line when the pause begins
 * and one when it ends.
 *
 * To be called with a place taken, and returns with it; it is given up during the waits. Resolves to false when `giveUp` aborted
 * first. Rejects only for errors that are bugs.
 */
export async function loadSchema(
  schemas: SchemaSource,
  eventType: string,
  context: {
    readonly partition: number;
    readonly giveUp: AbortSignal;
    readonly place: Place;
    readonly writes: PartitionWrites;
    readonly logger: Logger;
    readonly clock: Clock;
  },
): Promise<boolean> {
  const { partition, giveUp, place, writes, logger, clock } = context;
  using wait = writes.begin(partition);
  for (let attempt = 0; !giveUp.aborted; attempt++) {
    try {
      wait.attempt();
      await schemas.load(eventType);
      if (wait.pausedMs !== undefined) {
        const pausedMs = Math.round(wait.pausedMs);
        logger.info({ partition, pausedMs }, `partition resumed after ${pausedMs} ms: its schema is there again`);
      }
      return true;
    } catch (error) {
      if (!isKeroError(error)) throw error;
      const reason = describeError(error);
      if (wait.failed(error, reason)) {
        const message = `partition paused, its events wait in the log: ${reason}. ${error.remedy}`;
        logger.warn({ partition, eventType, code: error.code }, message);
      }
      place.leave();
      await clock.sleep(backoffMs(attempt, BACKOFF), giveUp);
      await place.take();
    }
  }
  return false;
}
