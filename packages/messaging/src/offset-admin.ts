import type { Logger } from '@kero/runtime';
import type { MessagingConfig } from './messaging-settings.ts';

/** Where a consumer group stands in one partition of the log. */
export interface PartitionPosition {
  readonly partition: number;
  /** The first offset that is still there. */
  readonly logStart: bigint;
  /** The offset that the next record gets. */
  readonly logEnd: bigint;
  /** Undefined: the group has committed nothing and begins at logStart. */
  readonly committed: bigint | undefined;
}

/**
 * - `reading`: what comes next is there (or not written yet).
 * - `not_started`: nothing was committed.
 * - `gone`: what comes next was deleted before it was stored. The partition stands still.
 * - `beyond_end`: more was committed than there is: the end of the log was lost. The partition stands still.
 */
export type PositionState = 'reading' | 'not_started' | 'gone' | 'beyond_end';

export function positionState({ logStart, logEnd, committed }: PartitionPosition): PositionState {
  if (committed === undefined) return 'not_started';
  if (committed < logStart) return 'gone';
  return committed > logEnd ? 'beyond_end' : 'reading';
}

/** How many records are there and not committed yet. */
export function positionLag({ logStart, logEnd, committed = logStart }: PartitionPosition): bigint {
  const next = committed < logStart ? logStart : committed;
  return logEnd > next ? logEnd - next : 0n;
}

export type SkipResult =
  | { readonly skipped: true; readonly from: bigint; readonly to: bigint }
  /** Nothing was changed. */
  | { readonly skipped: false; readonly reason: string };

/** The committed offsets of one group, for people. */
export interface OffsetAdmin {
  /** For people; no secrets. */
  readonly description: string;
  /** Every partition, in order. Rejects with `log_unavailable` or `topic_missing`. */
  positions(): Promise<PartitionPosition[]>;
  /**
   * Moves the committed offset of one partition up to the log start, and only if it is below it (`gone`): what lay between
   * is given up. `from` is what the person was shown; when it is not so any more, nothing is done.
   *
   * On Kafka the processors may be running: it joins the group for a moment, which makes them share the partitions anew and
   * begin where the group now stands. The embedded log must not be in use (`folder_in_use`).
   */
  skipGap(partition: number, from: bigint): Promise<SkipResult>;
  /** Idempotent. */
  close(): Promise<void>;
}

/** Throws KeroError as connectMessaging does. Looking at an embedded log works while another process runs it. */
export async function openOffsetAdmin(
  config: MessagingConfig,
  groupId: string,
  context: { readonly logger: Logger },
): Promise<OffsetAdmin> {
  switch (config.driver) {
    case 'kafka': {
      const { openKafkaOffsetAdmin } = await import('./kafka/kafka-offset-admin.ts');
      return openKafkaOffsetAdmin(config, groupId, context);
    }
    case 'embedded': {
      const { openEmbeddedOffsetAdmin } = await import('./embedded/embedded-offset-admin.ts');
      return openEmbeddedOffsetAdmin(config, groupId);
    }
  }
}

/** Why a gap cannot be skipped at this moment; undefined when it can. One rule for every driver. */
export function whyNotSkip(position: PartitionPosition | undefined, from: bigint): string | undefined {
  if (!position) return 'there is no such partition';
  const { partition, logStart, logEnd, committed } = position;
  const there = `the log holds ${logStart} up to ${logEnd}`;
  switch (positionState(position)) {
    case 'not_started':
      return `there is no gap: nothing was committed in partition ${partition}, reading begins at ${logStart}`;
    case 'reading':
      return `there is no gap: ${committed} comes next in partition ${partition}, and ${there}`;
    case 'beyond_end':
      return `this is not a gap but a lost end: ${committed} comes next in partition ${partition}, and ${there}. Stop the processors and set the group back to the earliest offset with the tools of Kafka: what is stored already is recognised and not stored again`;
    case 'gone':
      return committed === from ? undefined : `partition ${partition} has moved since, to ${committed}: look again`;
  }
}
