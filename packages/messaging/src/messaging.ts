/**
 * The log between receiver and processor: this file is all that the rest of Kero knows of it.
 *
 * Words: a *record* is a key, a value and headers at an *offset* of a *partition*. Records with the same key go to the same
 * partition and keep their order. A *consumer group* shares the partitions among its members and remembers, per partition,
 * the *committed offset*: the claim that every record below it is finished. See docs/glossary.md.
 */

import type { PartitionPosition } from './offset-admin.ts';

/** Header names may repeat; values are bytes. */
export type RecordHeader = readonly [name: string, value: Buffer];

export interface NewRecord {
  /** Chooses the partition (murmur2, as Java's default partitioner does). */
  readonly key: Buffer;
  readonly value: Buffer;
  readonly headers: readonly RecordHeader[];
  /**
   * Come after `headers`. Records one after the other that have the same ones give the same list, never to be changed: drivers know it
   * again by its identity, and then neither measure nor encode it once more.
   */
  readonly sharedHeaders?: readonly RecordHeader[];
}

/** Key and headers may be made anew each time they are asked for: who needs them twice keeps them, who does not keeps the record. */
export interface LogRecord {
  readonly offset: bigint;
  /** When the log took the record, in Unix milliseconds. */
  readonly timestampMs: number;
  readonly key: Buffer | null;
  /** null is a tombstone; only other programs write those. */
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
}

export interface AppendOptions {
  /** From the call to the answer, in milliseconds. */
  readonly deadlineMs: number;
}

/** Called concurrently and often; drivers put calls that wait at the same time into one write. */
export interface Producer {
  /**
   * Resolves when every record is durable (on Kafka: acknowledged by all in-sync replicas). Not before, and never later
   * than the deadline: when the log cannot confirm in time it rejects.
   *
   * Rejects with AppendError, which names the records that failed by their index; a record that is not named is durable.
   * A failed record may still be in the log (`log_unavailable`: nobody knows) or is certainly not (`record_too_large`).
   */
  append(records: readonly NewRecord[], options: AppendOptions): Promise<void>;
  /** Whether the log is known to take records at this moment; for readiness. */
  health(): { readonly up: true } | { readonly up: false; readonly reason: string };
  /** Finishes what is in flight (bounded), then lets go of connections. Appends after it reject. Idempotent. */
  close(): Promise<void>;
}

/** A run of records of one partition, in order. Its acknowledgement travels with it: nobody else can move the offset. */
export interface RecordBatch {
  /** Identity of the log itself, a UUID: Kafka's topic id, or the embedded log's. A topic made anew has another one. */
  readonly logId: string;
  readonly partition: number;
  /** At least one; offsets ascend, and may have gaps. */
  readonly records: readonly LogRecord[];
  /** The offset after the last record. */
  readonly nextOffset: bigint;
  /** Aborts when the partition goes to another member: unfinished work may stop, and commit() has no effect any more. */
  readonly revoked: AbortSignal;
  /**
   * Ends the batch; the next one of its partition is only read after this. Claims that every record below `upTo` (all of
   * them, by default) is finished. The driver makes the claim durable soon after, at the latest in Consumer.close(); until
   * then the records may come again. A lower `upTo` leaves the rest read but uncommitted: a later batch's commit covers it.
   * An `upTo` at or below what was claimed before claims nothing more.
   */
  commit(upTo?: bigint): void;
}

export interface ReadOptions {
  /** Ends the reading: the iteration finishes without an error. */
  readonly stop: AbortSignal;
  /** Upper bounds of one batch; a single record that is larger than maxBytes still makes a batch of its own. */
  readonly maxRecords: number;
  readonly maxBytes: number;
}

/** Where a member stands in one of the partitions that it holds. */
export interface ReadPosition {
  readonly partition: number;
  /** The offset after the last finished batch (committed or not), or where the reading began. */
  readonly finished: bigint;
  /** Why nothing more is read of it until a person acts; undefined while it is read. */
  readonly stopped: string | undefined;
}

/** One member of a consumer group. */
export interface Consumer {
  /**
   * Yields batches as they come. Batches of different partitions may be worked on side by side; those of one partition
   * come one after the other, each after the commit of the one before. Waits (without polling the caller) while there is
   * nothing to read. Starts at the committed offset, for a new group at the earliest record. Rides over outages of the log
   * by itself; throws KeroError only for what needs a person. To be called once.
   */
  read(options: ReadOptions): AsyncIterable<RecordBatch>;
  /** What it holds at this moment; undefined while it has no place in the group (it joins, or has not begun to read). */
  positions(): readonly ReadPosition[] | undefined;
  health(): { readonly up: true } | { readonly up: false; readonly reason: string };
  /** Makes the last commits durable (bounded), leaves the group, lets go of connections. Idempotent. */
  close(): Promise<void>;
}

/** How far a group has come in one partition, as the log tells. */
export interface PartitionLag extends PartitionPosition {
  /** When the log took the oldest record that is not committed, in Unix milliseconds; undefined when none waits. */
  readonly oldestWaitingMs: number | undefined;
}

/** Looks at a group from outside, so that it tells the truth also when no member reads. */
export interface LagReader {
  /** Every partition, in order. Rejects when the log cannot be asked, after about 10 s at the latest. One call at a time. */
  read(): Promise<readonly PartitionLag[]>;
  /** Idempotent. */
  close(): Promise<void>;
}

/** An opened log. Opening has checked that it is there and that it keeps what it is given. */
export interface Messaging {
  /** For people: `Kafka 127.0.0.1:9092, topic incoming_events, 6 partitions`. No secrets. */
  readonly description: string;
  producer(): Promise<Producer>;
  consumer(groupId: string): Promise<Consumer>;
  lagReader(groupId: string): LagReader;
  /** Closes what is still open of it. Idempotent. */
  close(): Promise<void>;
}
