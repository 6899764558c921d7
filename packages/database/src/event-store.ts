/**
 * Rows: this file is all that the processor knows of the database. Tables and columns are described in docs/querying.md.
 */

/** One event on its way to the table `events`. Numbers and member order of `event_data` stay as the client wrote them. */
export interface EventRow {
  /** 16 bytes of the UUIDv8 that docs/identity.md defines; with the timestamp the primary key. */
  readonly id: Buffer;
  readonly userId: string;
  readonly eventType: string;
  /** Microseconds since 1970, below 2^53. */
  readonly timestampMicros: number;
  /** The JSON text of an object, UTF-8, no U+0000, no lone surrogates. */
  readonly eventData: Buffer;
  readonly source: string;
  readonly eventId: string | undefined;
  /** When the receiver (or, for other writers, the log) took it, in Unix microseconds. */
  readonly receivedAtMicros: number;
  readonly logOffset: bigint;
}

/** Why a record is in `dead_letters` and not in `events`. Listed in docs/errors.md. */
export type DeadLetterReason = 'not_an_event' | 'invalid' | 'conflict' | 'refused_by_database' | 'expired';

/** A record that did not become a row, kept whole: what it was, where it stands in the log, and why. */
export interface DeadLetter {
  /** The event's id where it could be worked out. */
  readonly id: Buffer | undefined;
  readonly reason: DeadLetterReason;
  /** For a person; names the place in the event. */
  readonly detail: string;
  /** The record's value as it is in the log; null for a tombstone. */
  readonly payload: Buffer | null;
  readonly recordKey: Buffer | null;
  /** Header name and value pairs, in order; values as text, or as `{ "base64": "..." }` when they are not UTF-8. */
  readonly recordHeaders: Buffer;
  readonly receivedAtMicros: number;
  readonly logOffset: bigint;
}

/** What one log record becomes. An event carries its letter's raw parts too, for the case that it turns out a conflict. */
export interface StoreEvent {
  readonly row: EventRow;
  readonly payload: Buffer;
  readonly recordKey: Buffer | null;
  readonly recordHeaders: Buffer;
}

/** One batch of one partition. Offsets are unique in it. */
export interface StoreBatch {
  readonly logId: string;
  readonly logPartition: number;
  readonly events: readonly StoreEvent[];
  readonly deadLetters: readonly DeadLetter[];
}

/** How each record of a batch ended; the five numbers add up to events + deadLetters of the batch. */
export interface StoreResult {
  /** New rows. */
  readonly stored: number;
  /** The same event was there already, from another position of the log. */
  readonly duplicates: number;
  /** This very log position had been stored before (as a row or as a letter). */
  readonly redelivered: number;
  /** Same id, other content: the first stays, this one became a dead letter. */
  readonly conflicts: number;
  /** New dead letters of the batch's own `deadLetters`. */
  readonly deadLetters: number;
}

/** Called side by side for different partitions. */
export interface EventStore {
  /**
   * Writes the batch in one transaction: all of it or nothing. Storing the same batch again changes nothing and counts
   * it as redelivered.
   *
   * Rejects with KeroError: `database_unavailable` and the other retryable codes mean nothing is known to be stored, try
   * the same batch again for as long as it takes; `data_refused` means that the database is well and refuses at least one
   * of the records: nothing of this batch is stored, try smaller parts to find out which.
   */
  store(batch: StoreBatch): Promise<StoreResult>;
}

/** An opened database whose schema fits this program. */
export interface Database {
  /** For people: `PostgreSQL 18.4 at 127.0.0.1:5432, database processor`. No secrets. */
  readonly description: string;
  readonly events: EventStore;
  /** Runs one SQL statement for a person (`kero sql`), as text. */
  query(sql: string): Promise<QueryResult>;
  /** Whether the database answered last time; for readiness. */
  health(): { readonly up: true } | { readonly up: false; readonly reason: string };
  /** Lets running statements finish (bounded), then closes connections and, last, an embedded server. Idempotent. */
  close(): Promise<void>;
}

/** Values are as PostgreSQL prints them; null is SQL NULL. */
export interface QueryResult {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | null)[])[];
  /** `INSERT`, `SELECT`, ... as PostgreSQL names what was done. */
  readonly command: string;
  readonly rowCount: number | null;
}
