import type { AttemptLine, ContentLine, OutcomeLine } from '../ledger-format.ts';

/*
 * Everything the checker knows. It is gathered from outside (the ledger, SQL, Kafka's own tools, /proc), and the checks are
 * pure functions of it, so that each can be shown evidence of a broken promise and be seen to say so.
 */

export interface Sent {
  readonly attempt: AttemptLine;
  /** Absent when the run ended before an answer came. */
  readonly outcome: OutcomeLine | undefined;
}

export interface LedgerEntry {
  readonly content: ContentLine;
  readonly sent: readonly Sent[];
}

export interface EventRow {
  readonly id: string;
  readonly userId: string;
  readonly eventType: string;
  /** event_timestamp in microseconds since 1970, as decimal text. */
  readonly micros: string;
  /** event_data as PostgreSQL prints the jsonb. */
  readonly eventData: string;
  readonly source: string;
  readonly eventId: string | null;
  readonly partition: number;
  readonly offset: number;
  /** Begin of the transaction that wrote it, Unix milliseconds. */
  readonly storedAt: number;
}

export interface DeadLetterRow {
  readonly deadLetterId: string;
  readonly id: string | null;
  readonly reason: string;
  readonly detail: string;
  /** UTF-8 decoded; null for a tombstone. */
  readonly payload: string | null;
  readonly partition: number;
  readonly offset: number;
  readonly status: string;
  readonly failedAt: number;
}

export interface LogRecordSeen {
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly (readonly [name: string, value: string | null])[];
}

export interface CommitSeen {
  readonly partition: number;
  /** Every lower offset is claimed to be finished. */
  readonly offset: number;
  /** Unix milliseconds; the commit is not younger. */
  readonly at: number;
}

export interface FaultSeen {
  readonly number: number;
  readonly name: string;
  readonly detail: string;
  readonly from: number;
  readonly until: number | undefined;
  readonly failure: string | undefined;
}

export interface ProcessSeen {
  readonly name: string;
  readonly peakBytes: number;
  readonly exits: readonly { at: number; code: number | null; signal: string | null; wanted: boolean }[];
  /** Times at which SIGTERM did not end it within the limit. */
  readonly slowStops: readonly number[];
  /** Lines of its log that no healthy process writes. */
  readonly alarms: readonly string[];
  /** Messages with which it ended by itself. */
  readonly lastWords: readonly string[];
}

/** How the end of the run went. Times in seconds from the end of the healing; undefined = not within the limit. */
export interface Draining {
  readonly limitS: number;
  readonly unknownsSettledS: number | undefined;
  readonly drainedS: number | undefined;
  readonly readyS: number | undefined;
  readonly probeStoredS: number | undefined;
  readonly probeLimitS: number;
  /** What was still open when time was up. */
  readonly left: string;
  /** Per partition, asked of the log from outside when all was over. */
  readonly progress: readonly { partition: number; committed: number; end: number }[];
}

export interface Evidence {
  readonly ledger: readonly LedgerEntry[];
  readonly events: readonly EventRow[];
  readonly deadLetters: readonly DeadLetterRow[];
  readonly log: readonly LogRecordSeen[];
  readonly commits: readonly CommitSeen[];
  readonly faults: readonly FaultSeen[];
  readonly processes: readonly ProcessSeen[];
  readonly draining: Draining;
  /** Most memory that a process of Kero may ever have used. */
  readonly memoryCapBytes: number;
}
