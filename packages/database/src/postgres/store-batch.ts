import { isKeroError } from '@kero/runtime';
import type pg from 'pg';
import type {
  DeadLetter,
  DeadLetterReason,
  EventStore,
  StoreBatch,
  StoreEvent,
  StoreRecord,
  StoreResult,
} from '../event-store.ts';
import { isForeignUnique, isMissingPartition, leavesConnectionUsable, sqlState } from './classify-error.ts';
import type { Comparison } from './compare-events.ts';
import type { ConnectionPool } from './connection-pool.ts';
import { EventCopier } from './copy-events.ts';
import { EventPartitions } from './event-partitions.ts';
import { findStored } from './find-stored.ts';
import { insertDeadLetters } from './insert-dead-letters.ts';
import { compareKnown, compareTwins, type Known } from './known-events.ts';
import { RecentIds } from './recent-ids.ts';
import { type SortedEvents, sortEvents } from './sort-events.ts';
import { WriteMode } from './write-mode.ts';

const UNIQUE_VIOLATION = '23505';
const LOOK_ATTEMPTS = 5;
/** So many events are compared at once, and not looked up first: of many that were met before most may be new, as when a batch is tried again. */
const FEW = 250;
const NOTHING_HAPPENED: StoreResult = { stored: 0, duplicates: 0, redelivered: 0, deadLetters: new Map() };
/**
 * For a transaction that has found everything there. Its commit then waits for a synchronous standby, as does that of every one that writes:
 * the standby has all that was written before, too. Without it, an offset could be committed for rows that are on the primary alone.
 */
const WRITE_SOMETHING = "select pg_logical_emit_message(true, 'kero', '')";
const NO_OFFSETS: ReadonlySet<bigint> = new Set();

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
  readonly #recent = new RecentIds();
  readonly #copier = new EventCopier();

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  async store(batch: StoreBatch): Promise<StoreResult> {
    const prepared: PreparedBatch = {
      ...sortEvents(batch.events, this.#recent),
      letters: sortLetters(batch.deadLetters),
      log: { logId: batch.logId, logPartition: batch.logPartition },
    };
    return this.#pool.use(`storing ${describeBatch(batch)}`, (client) =>
      this.#withPartitions(client, prepared.events, () => this.#write(client, prepared)),
    );
  }

  async storeTogether(batches: readonly StoreBatch[]): Promise<readonly (StoreResult | undefined)[]> {
    const batchOf = new Map(batches.flatMap((batch) => batch.events.map((event) => [event, batch])));
    const leftOut = new Set<StoreBatch | undefined>(batches.filter(({ deadLetters }) => deadLetters.length > 0));
    const { events, metBefore, repeats, twins } = sortEvents([...batchOf.keys()], this.#recent);
    for (const event of [...repeats.map(([, repeat]) => repeat), ...twins]) leftOut.add(batchOf.get(event));
    const copyOthers = async (client: pg.Client) => {
      const fresh = events.filter((event) => !leftOut.has(batchOf.get(event)));
      const partitionOf = (event: StoreEvent) => batchOf.get(event)?.logPartition ?? 0;
      if (fresh.length > 0) await this.#copier.copy(client, fresh, partitionOf);
    };
    const write = async (client: pg.Client) => {
      const leaveOut = (stored: readonly StoreEvent[]) => {
        for (const event of stored) leftOut.add(batchOf.get(event));
      };
      if (this.#mode.next() === 'copy') {
        leaveOut(await findStored(client, metBefore));
        if (await this.#inHope(() => copyOthers(client))) return;
      }
      leaveOut(await findStored(client, events));
      try {
        await copyOthers(client);
      } catch (error) {
        if (sqlState(error) !== UNIQUE_VIOLATION) throw error;
        // Somebody else was faster, or a unique index is not ours: each batch finds out by itself.
        for (const batch of batches) leftOut.add(batch);
      }
    };
    await this.#pool.use(`storing ${events.length} events of ${batches.length} partitions`, (client) =>
      this.#withPartitions(client, events, () => write(client)),
    );
    return batches.map((batch) =>
      leftOut.has(batch) ? undefined : { ...NOTHING_HAPPENED, stored: batch.events.length },
    );
  }

  /** Sees to it that the events have partitions of the table, and does it again when one was dropped meanwhile. */
  async #withPartitions<T>(client: pg.Client, events: readonly StoreEvent[], write: () => Promise<T>): Promise<T> {
    await this.#partitions.ensure(client, events);
    try {
      return await write();
    } catch (error) {
      if (!isMissingPartition(error)) throw error;
      this.#partitions.forget();
      await this.#partitions.ensure(client, events);
      return write();
    }
  }

  /** Copies as if all of it were new; false, and nothing has happened, when an event is there already. */
  async #inHope(copy: () => Promise<void>): Promise<boolean> {
    try {
      await copy();
      this.#mode.copySucceeded();
      return true;
    } catch (error) {
      if (sqlState(error) !== UNIQUE_VIOLATION) throw error;
      this.#mode.copyRefused();
      return false;
    }
  }

  async #write(client: pg.Client, batch: PreparedBatch): Promise<StoreResult> {
    const { logPartition } = batch.log;
    if (this.#mode.next() === 'copy') {
      let result: StoreResult | undefined;
      const { metBefore } = batch;
      const candidates = metBefore.length > FEW ? await findStored(client, metBefore) : metBefore;
      const known = await compareKnown(client, batch.repeats, candidates, logPartition);
      await this.#inHope(async () => {
        result = await this.#copy(client, batch, known);
      });
      if (result) return result;
    }
    for (let attempt = 1; ; attempt++) {
      try {
        const stored = await findStored(client, batch.events);
        return await this.#copy(client, batch, await compareKnown(client, batch.repeats, stored, logPartition));
      } catch (error) {
        // Somebody else stored one of them after we looked; a unique index that is not ours will go on refusing.
        const raced = sqlState(error) === UNIQUE_VIOLATION && !isForeignUnique(error);
        if (!raced || attempt === LOOK_ATTEMPTS) throw error;
      }
    }
  }

  /**
   * Copies what is not known, and writes the letters, in one transaction. When an event to copy is there after all it rejects
   * with 23505, and nothing has happened.
   */
  async #copy(client: pg.Client, batch: PreparedBatch, known: Known): Promise<StoreResult> {
    const { events, repeats, twins, log } = batch;
    const fresh = known.stored.size === 0 ? events : events.filter((event) => !known.stored.has(event));
    const work = async () => {
      if (fresh.length > 0) await this.#copier.copy(client, fresh, () => log.logPartition);
      const ofTwins = twins.length === 0 ? [] : await compareTwins(client, twins, log.logPartition);
      const compared = [...known.compared, ...ofTwins];
      const letters = sortLetters([...batch.letters, ...conflictLetters(compared)]);
      const written = letters.length === 0 ? NO_OFFSETS : await insertDeadLetters(client, letters, log);
      if (fresh.length + written.size === 0) await client.query(WRITE_SOMETHING);
      const repeatsOfKnown = known.compared.length - known.stored.size;
      return countResult({
        stored: fresh.length,
        duplicates: repeats.length - repeatsOfKnown + countOutcome(compared, 'duplicate'),
        redelivered: countOutcome(compared, 'redelivered'),
        letters,
        written,
      });
    };
    // COPY is one statement, so it is a transaction by itself: two round trips less.
    const hasLetters = batch.letters.length > 0 || countOutcome(known.compared, 'conflict') > 0;
    const onlyCopies = twins.length === 0 && !hasLetters;
    return onlyCopies ? work() : inTransaction(client, work);
  }
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
  redelivered: number;
  letters: readonly DeadLetter[];
  written: ReadonlySet<bigint>;
}): StoreResult {
  const { stored, duplicates, redelivered, letters, written } = counts;
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
