import type { DeadLetterReason } from './event-store.ts';

/**
 * Dead letters as a person works with them: find, look, send again, put aside. The processor writes them through
 * EventStore; nobody ever deletes one. docs/dead-letters.md tells the story.
 */

export const deadLetterStatuses = ['open', 'replayed', 'discarded'] as const;

export type DeadLetterStatus = (typeof deadLetterStatuses)[number];

/** Which letters. A list that is not given lets all through; those that are given must all hold. */
export interface DeadLetterFilter {
  readonly ids?: readonly bigint[];
  readonly reasons?: readonly DeadLetterReason[];
  /** `event_type` inside the payload; a payload without one is of no type. */
  readonly types?: readonly string[];
  readonly statuses?: readonly DeadLetterStatus[];
  /** By failed_at, in Unix microseconds: from the first moment on ... */
  readonly sinceMicros?: number;
  /** ... and before the second. */
  readonly untilMicros?: number;
}

/** A letter without its record. */
export interface DeadLetterSummary {
  readonly deadLetterId: bigint;
  /** The event's id as text, where it could be worked out. */
  readonly id: string | undefined;
  readonly reason: string;
  readonly detail: string;
  readonly status: DeadLetterStatus;
  /** `event_type` inside the payload, where there is one. */
  readonly eventType: string | undefined;
  readonly logId: string;
  readonly logPartition: number;
  readonly logOffset: bigint;
  readonly receivedAt: Date;
  readonly failedAt: Date;
  /** When status left `open`. */
  readonly statusChangedAt: Date | undefined;
  /** What the person wrote who changed the status. */
  readonly note: string | undefined;
  /** The letter whose replay ended here again. */
  readonly replayOf: bigint | undefined;
}

/** A letter with the record as it stood in the log. */
export interface StoredDeadLetter extends DeadLetterSummary {
  /** null is a tombstone. */
  readonly payload: Buffer | null;
  readonly key: Buffer | null;
  readonly headers: readonly (readonly [name: string, value: Buffer])[];
}

export interface DeadLetterCount {
  readonly status: DeadLetterStatus;
  readonly reason: string;
  readonly letters: number;
  readonly oldest: Date;
  readonly newest: Date;
}

/** A run of letters in the order of their ids. */
export interface DeadLetterPage {
  /** Begins after this id; 0 begins with the first. */
  readonly after: bigint;
  /** Ends with this id, so that a long run does not meet the letters that it causes. */
  readonly upTo: bigint;
  readonly limit: number;
}

/** The row of `events` with the id of a letter: what a conflict collided with, or what a replay became. */
export interface StoredEventPlace {
  readonly id: string;
  readonly storedAt: Date;
  readonly logPartition: number;
  readonly logOffset: bigint;
}

/** Every method rejects with KeroError as EventStore.store does: retryable codes are outages. */
export interface DeadLetterStore {
  /** How many letters pass, by status and reason, the most first. */
  count(filter: DeadLetterFilter): Promise<DeadLetterCount[]>;
  /** The newest letters that pass, newest first. */
  list(filter: DeadLetterFilter, limit: number): Promise<DeadLetterSummary[]>;
  /** Letters that pass, with their records, by ascending id. */
  read(filter: DeadLetterFilter, page: DeadLetterPage): Promise<StoredDeadLetter[]>;
  /** The highest id there is; 0 when there is no letter. */
  lastId(): Promise<bigint>;
  /** The letters that replays of this one ended as, in their order. */
  replaysOf(deadLetterId: bigint): Promise<DeadLetterSummary[]>;
  /** The rows of `events` with these ids (as text); ids without a row are left out. */
  eventsById(ids: readonly string[]): Promise<StoredEventPlace[]>;
  /**
   * Sets the status of those letters that have one of the statuses of `from`; the note, when given, replaces the one that
   * is there. Resolves to how many it changed. Doing it again changes nothing that matters.
   */
  setStatus(
    deadLetterIds: readonly bigint[],
    change: { readonly from: readonly DeadLetterStatus[]; readonly to: DeadLetterStatus; readonly note?: string },
  ): Promise<number>;
}
