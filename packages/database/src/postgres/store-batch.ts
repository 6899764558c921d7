import { isKeroError } from '@kero/runtime';
import type pg from 'pg';
import { databaseError } from '../database-errors.ts';
import type {
  DeadLetter,
  DeadLetterReason,
  EventStore,
  StoreBatch,
  StoreEvent,
  StoreRecord,
  StoreResult,
} from '../event-store.ts';
import { isMissingPartition, leavesConnectionUsable, sqlState } from './classify-error.ts';
import { type Comparison, compareEvents } from './compare-events.ts';
import type { ConnectionPool } from './connection-pool.ts';
import { copyEvents } from './copy-events.ts';
import { EventPartitions } from './event-partitions.ts';
import { insertDeadLetters } from './insert-dead-letters.ts';
import { insertEvents } from './insert-events.ts';
import { type SortedEvents, sortEvents } from './sort-events.ts';
import { WriteMode } from './write-mode.ts';

const UNIQUE_VIOLATION = '23505';

/** A batch made ready for writing: events in the order of their key, letters in that of the log. */
interface PreparedBatch extends SortedEvents {
  readonly letters: readonly DeadLetter[];
  readonly log: { readonly logId: string; readonly logPartition: number };
}

/** Batches into events and dead_letters; the contract is in event-store.ts. */
export class PostgresEventStore implements EventStore {
  readonly #pool: ConnectionPool;
  readonly #partitions = new EventPartitions();
  readonly #mode = new WriteMode();

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  async store(batch: StoreBatch): Promise<StoreResult> {
    const prepared: PreparedBatch = {
      ...sortEvents(batch.events),
      letters: sortLetters(batch.deadLetters),
      log: { logId: batch.logId, logPartition: batch.logPartition },
    };
    return this.#pool.use(`storing ${describeBatch(batch)}`, async (client) => {
      try {
        return await this.#write(client, prepared);
      } catch (error) {
        if (!isMissingPartition(error)) throw error;
        this.#partitions.forget();
        return this.#write(client, prepared);
      }
    });
  }

  async #write(client: pg.Client, batch: PreparedBatch): Promise<StoreResult> {
    await this.#partitions.ensure(client, batch.events);
    if (batch.hasTwins || this.#mode.next() === 'insert') return insertBatch(client, batch);
    try {
      const result = await copyBatch(client, batch);
      this.#mode.copySucceeded();
      return result;
    } catch (error) {
      if (sqlState(error) !== UNIQUE_VIOLATION) throw error;
      this.#mode.copyRefused();
      return insertBatch(client, batch);
    }
  }
}

/** All events are new, or nothing happens (23505). */
async function copyBatch(client: pg.Client, batch: PreparedBatch): Promise<StoreResult> {
  const { events, repeats, letters, log } = batch;
  const copy = async () => (events.length === 0 ? 0 : copyEvents(client, events, log.logPartition));
  // COPY is one statement, so it is a transaction by itself: two round trips less.
  if (letters.length === 0) return countResult({ stored: await copy(), duplicates: repeats.length });
  return inTransaction(client, async () => {
    const stored = await copy();
    const written = await insertDeadLetters(client, letters, log);
    return countResult({ stored, duplicates: repeats.length, letters, written });
  });
}

/** New events are written; each of the others is found to be a redelivery, a duplicate or a conflict. */
async function insertBatch(client: pg.Client, batch: PreparedBatch): Promise<StoreResult> {
  const { events, repeats, log } = batch;
  return inTransaction(client, async () => {
    const refused = new Set(events.length === 0 ? [] : await insertEvents(client, events, log.logPartition));
    // What repeats a refused event may be a conflict too; what repeats one that went in is a duplicate.
    const repeatsOfRefused = repeats.filter(([first]) => refused.has(first)).map(([, repeat]) => repeat);
    const compared = await compareAll(client, [...refused, ...repeatsOfRefused], log.logPartition);
    const letters = sortLetters([...batch.letters, ...conflictLetters(compared)]);
    return countResult({
      stored: events.length - refused.size,
      duplicates: repeats.length - repeatsOfRefused.length + countOutcome(compared, 'duplicate'),
      redelivered: countOutcome(compared, 'redelivered'),
      letters,
      written: letters.length === 0 ? undefined : await insertDeadLetters(client, letters, log),
    });
  });
}

async function compareAll(
  client: pg.Client,
  refused: readonly StoreEvent[],
  logPartition: number,
): Promise<Comparison[]> {
  if (refused.length === 0) return [];
  const compared = await compareEvents(client, refused, logPartition);
  const vanished = compared.find(({ outcome }) => outcome === 'vanished');
  if (vanished === undefined) return compared;
  throw databaseError(
    'database_unavailable',
    `the row that repeats event ${vanished.event.id.toString('hex')} was deleted in the same moment`,
  );
}

function conflictLetters(compared: readonly Comparison[]): DeadLetter[] {
  return compared
    .filter((it) => it.outcome === 'conflict')
    .map(({ event, detail }) => ({ id: event.id, reason: 'conflict', detail, record: event.record }));
}

/** `letters` are those to write, `written` the offsets of those that were not there yet. */
function countResult(counts: {
  stored: number;
  duplicates: number;
  redelivered?: number;
  letters?: readonly DeadLetter[];
  written?: ReadonlySet<bigint> | undefined;
}): StoreResult {
  const { stored, duplicates, redelivered = 0, letters = [], written = new Set() } = counts;
  const deadLetters = new Map<DeadLetterReason, number>();
  for (const { reason, record } of letters) {
    if (written.has(record.offset)) deadLetters.set(reason, (deadLetters.get(reason) ?? 0) + 1);
  }
  return { stored, duplicates, redelivered: redelivered + letters.length - written.size, deadLetters };
}

function countOutcome(compared: readonly Comparison[], outcome: Comparison['outcome']): number {
  return compared.filter((it) => it.outcome === outcome).length;
}

async function inTransaction<T>(client: pg.Client, work: () => Promise<T>): Promise<T> {
  await client.query('begin');
  try {
    const result = await work();
    await client.query('commit');
    return result;
  } catch (error) {
    // Where the server did not answer, or said that it is going, there is nobody to tell; the pool closes the connection.
    if (isKeroError(error) || leavesConnectionUsable(error)) await client.query('rollback');
    throw error;
  }
}

function sortLetters(letters: readonly DeadLetter[]): DeadLetter[] {
  return [...letters].sort((a, b) => compareOffsets(a.record, b.record));
}

function compareOffsets(a: StoreRecord, b: StoreRecord): number {
  return a.offset < b.offset ? -1 : 1;
}

function describeBatch({ logPartition, events, deadLetters }: StoreBatch): string {
  return `${events.length} events and ${deadLetters.length} dead letters of partition ${logPartition}`;
}
