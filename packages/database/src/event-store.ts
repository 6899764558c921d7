import type { AuditLog } from './audit-log.ts';
import type { DeadLetterStore } from './dead-letter-store.ts';
import type { EventRetention } from './event-retention.ts';

/**
 * Rows: this file is all that the processor knows of the database. Tables and columns are described in docs/querying.md.
 */

/** A record as it stands in the log. Kept whole in a dead letter; `key`, `value` and `headers` are not looked at otherwise. */
export interface StoreRecord {
  readonly offset: bigint;
  readonly key: Buffer | null;
  /** null is a tombstone. */
  readonly value: Buffer | null;
  readonly headers: readonly (readonly [name: string, value: Buffer])[];
  /** When the receiver (or, for other writers, the log) took it, in Unix microseconds. */
  readonly receivedAtMicros: number;
  /** The dead letter whose replay this record says it is; one that is not there is forgotten. */
  readonly replayOf?: bigint | undefined;
}

/** One event on its way to the table `events`. Numbers and member order of `event_data` stay as the client wrote them. */
export interface StoreEvent {
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
  /** Where it came from; becomes the dead letter if the event turns out a conflict. */
  readonly record: StoreRecord;
  /**
   * The same members as bytes, where they stand in a text as they are: who only copies them need not make strings and views of them,
   * which the event may make anew each time.
   */
  readonly spans?: MemberSpans | undefined;
}

/** Where members of an event stand in a text, in UTF-8 and without escapes: from the first byte to the one behind the last. */
export interface MemberSpans {
  readonly bytes: Buffer;
  readonly userIdStart: number;
  readonly userIdEnd: number;
  readonly eventTypeStart: number;
  readonly eventTypeEnd: number;
  /** 0 where the event has no event_id. */
  readonly eventIdStart: number;
  readonly eventIdEnd: number;
  readonly dataStart: number;
  readonly dataEnd: number;
  /** Writes the 16 bytes of the id into `to`, from `start` on. */
  writeId(to: Buffer, start: number): void;
}

/** Why a record is in `dead_letters` and not in `events`; docs/errors.md is generated from this table. */
export const deadLetterReasons = {
  not_an_event:
    'The record is not a JSON object in UTF-8, or is a tombstone. Only other writers of the topic make those.',
  invalid: 'A JSON object that breaks a rule of events; the detail names every place.',
  conflict: 'Its id is taken by an event with other content. The first stays in `events`, this one is kept here.',
  refused_by_database: 'PostgreSQL refused this one record, alone, while it took others; the detail has its message.',
  expired:
    'Its event_timestamp is older than EVENTS_RETENTION. One that was stored in time and is read again is no dead letter, as long as its row is there.',
} as const;

export type DeadLetterReason = keyof typeof deadLetterReasons;

/** A record that did not become a row, kept whole: what it was, where it stands in the log, and why. */
export interface DeadLetter {
  /** The event's id where it could be worked out. */
  readonly id: Buffer | undefined;
  readonly reason: DeadLetterReason;
  /** For a person; names the place in the event. */
  readonly detail: string;
  /**
   * Goes to the columns payload, record_key and record_headers; the headers as a JSON array of [name, value] pairs in
   * order, a value that is not UTF-8 as {"base64": "..."}.
   */
  readonly record: StoreRecord;
}

/** One batch of one partition. Offsets are unique in it. */
export interface StoreBatch {
  readonly logId: string;
  readonly logPartition: number;
  readonly events: readonly StoreEvent[];
  readonly deadLetters: readonly DeadLetter[];
}

/** How each record of a batch ended. All numbers together add up to events + deadLetters of the batch. */
export interface StoreResult {
  /** New rows. */
  readonly stored: number;
  /** The same event was there already, from another position of the log. */
  readonly duplicates: number;
  /** This very log position had been stored before (as a row or as a letter). */
  readonly redelivered: number;
  /**
   * New dead letters by reason: those of the batch's own `deadLetters`, and as `conflict` its events whose id is taken by
   * other content (the first stays).
   */
  readonly deadLetters: ReadonlyMap<DeadLetterReason, number>;
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
  /**
   * The same for batches of several partitions in one transaction, which costs a fraction where they are small. Only batches that
   * are all new: the others, of which an event repeats another one or which have dead letters, are left out, and nothing of them is
   * stored; their result is undefined. For those, and for all when it rejects, store() is the way.
   */
  storeTogether(batches: readonly StoreBatch[]): Promise<readonly (StoreResult | undefined)[]>;
}

/** An opened database whose schema fits this program. */
export interface Database {
  /** For people: `PostgreSQL 18.4 at 127.0.0.1:5432, database processor`. No secrets. */
  readonly description: string;
  readonly events: EventStore;
  /** For people: look at dead letters, replay and discard them. */
  readonly deadLetters: DeadLetterStore;
  /** What people moved or dropped by hand. */
  readonly audit: AuditLog;
  /** Drops old months. */
  readonly retention: EventRetention;
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
