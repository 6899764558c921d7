import type { Consumer, KnownLag } from '@kero/messaging';
import { positionLag } from '@kero/messaging';
import type { Sighting } from './watchdog.ts';

/** An older answer of the log says nothing about now: then it is the log that is away, and not this process that stands still. */
const KNOWN_FOR_MS = 20_000;

export interface SightingInput {
  readonly consumer: Pick<Consumer, 'positions' | 'health'>;
  /** What the log itself says; undefined before its first answer. */
  readonly lag: KnownLag | undefined;
  /** Partitions whose batch is in the hands of the database. */
  readonly inHand: ReadonlySet<number>;
  /** How many batches are written side by side at most. */
  readonly connections: number;
  /** Records that were finished since the start. */
  readonly read: number;
}

/**
 * What the watchdog sees. Work waits where the log goes on after what this member has worked through, unless the database
 * has the batch in hand (an outage of it is a pause), or a person must act first. Skipped records count as worked through.
 */
export function sightProgress({ consumer, lag, inHand, connections, read }: SightingInput): Omit<Sighting, 'now'> {
  const positions = consumer.positions();
  const progress = `${read} ${positions?.map(({ partition, finished }) => `${partition}:${finished}`).join() ?? ''}`;
  const isStopped = positions?.some(({ stopped }) => stopped !== undefined) ?? false;
  const inTrouble = positions === undefined || (!consumer.health().up && !isStopped);
  if (!lag || lag.ageMs > KNOWN_FOR_MS) return { workWaits: false, inTrouble, progress };
  if (!positions) return { workWaits: lag.partitions.some((it) => positionLag(it) > 0n), inTrouble, progress };
  const ends = new Map(lag.partitions.map(({ partition, logEnd }) => [partition, logEnd]));
  const waits = positions.some(
    ({ partition, finished, stopped }) =>
      stopped === undefined && !inHand.has(partition) && (ends.get(partition) ?? 0n) > finished,
  );
  return { workWaits: waits && inHand.size < connections, inTrouble, progress };
}
