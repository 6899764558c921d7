import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import type { Database, DeadLetter, StoreBatch, StoreEvent, StoreRecord, StoreResult } from '../event-store.ts';

export type NewDatabase = (t: TestContext) => Promise<Database>;

const TEST_TIMEOUT_MS = 120_000;
export const LOG_ID = '6b65726f-0000-4000-8000-000000000001';

/** Registers one test with a database of its own that is closed at its end. */
export function scenario(
  newDatabase: NewDatabase,
  title: string,
  body: (store: StoreUnderTest) => Promise<void>,
): void {
  test(title, { timeout: TEST_TIMEOUT_MS }, async (t) => {
    const database = await newDatabase(t);
    try {
      await body(new StoreUnderTest(database));
    } finally {
      await database.close();
    }
  });
}

/** A database with the few things that the tests do again and again. */
export class StoreUnderTest {
  readonly database: Database;

  constructor(database: Database) {
    this.database = database;
  }

  /** Stores a batch and checks that the numbers of the result add up. */
  async store(
    events: readonly StoreEvent[],
    { deadLetters = [], logPartition = 0, logId = LOG_ID }: Partial<Omit<StoreBatch, 'events'>> = {},
  ): Promise<Counts> {
    const result = await this.database.events.store({ logId, logPartition, events, deadLetters });
    const counts = countsOf(result);
    const sum = counts.stored + counts.duplicates + counts.redelivered + counts.letters;
    assert.equal(sum, events.length + deadLetters.length, `the counts add up: ${JSON.stringify(counts)}`);
    return counts;
  }

  async rows(sql: string): Promise<(string | null)[][]> {
    return (await this.database.query(sql)).rows.map((row) => [...row]);
  }

  /** The one value of a statement that gives one. */
  async value(sql: string): Promise<string | null> {
    const [row] = await this.rows(sql);
    return row?.[0] ?? null;
  }

  async countEvents(): Promise<number> {
    return Number(await this.value('select count(*) from events'));
  }

  async countLetters(): Promise<number> {
    return Number(await this.value('select count(*) from dead_letters'));
  }
}

export interface Counts {
  readonly stored: number;
  readonly duplicates: number;
  readonly redelivered: number;
  /** New dead letters of any reason. */
  readonly letters: number;
  readonly conflicts: number;
}

export function countsOf({ stored, duplicates, redelivered, deadLetters }: StoreResult): Counts {
  const letters = [...deadLetters.values()].reduce((sum, count) => sum + count, 0);
  return { stored, duplicates, redelivered, letters, conflicts: deadLetters.get('conflict') ?? 0 };
}

/** What a result is when nothing but the named numbers happened. */
export function counts(named: Partial<Counts>): Counts {
  return { stored: 0, duplicates: 0, redelivered: 0, letters: 0, conflicts: 0, ...named };
}

export const SOME_TIME = Date.UTC(2026, 10, 23, 10, 0, 0) * 1000;

export interface EventFields extends Partial<Omit<StoreEvent, 'id' | 'record' | 'eventData'>> {
  /** Events with the same name and time have the same id, whatever their content. */
  readonly name?: string;
  readonly data?: string;
  readonly offset?: bigint;
}

let nextOffset = 0n;

/** An event with an id as the real ones: the milliseconds of its time, then a hash. */
export function event(fields: EventFields = {}): StoreEvent {
  const offset = fields.offset ?? nextOffset++;
  const { name = `event-${offset}`, data = '{"item_id":"book","price":19.90}', timestampMicros = SOME_TIME } = fields;
  const id = createHash('sha256').update(`${name} ${timestampMicros}`).digest().subarray(0, 16);
  id.writeUIntBE(Math.floor(timestampMicros / 1000), 0, 6);
  id.writeUInt8((id.readUInt8(6) & 0x0f) | 0x80, 6);
  id.writeUInt8((id.readUInt8(8) & 0x3f) | 0x80, 8);
  return {
    id,
    userId: fields.userId ?? 'user-1',
    eventType: fields.eventType ?? 'purchase',
    timestampMicros,
    eventData: Buffer.from(data),
    source: fields.source ?? 'default',
    eventId: fields.eventId,
    record: record(offset),
  };
}

export function record(offset: bigint = nextOffset++, fields: Partial<StoreRecord> = {}): StoreRecord {
  return {
    offset,
    key: Buffer.from('user-1'),
    value: Buffer.from(`value of ${offset}`),
    headers: [['kero-source', Buffer.from('default')]],
    receivedAtMicros: SOME_TIME + 5,
    ...fields,
  };
}

export function letter(fields: Partial<DeadLetter> = {}): DeadLetter {
  return { id: undefined, reason: 'not_an_event', detail: 'not JSON', record: record(), ...fields };
}

/** The same event again, from another position of the log. */
export function again(original: StoreEvent): StoreEvent {
  return { ...original, record: record() };
}

/** The offset of an event as PostgreSQL prints it. */
export function offsetOf({ record: { offset } }: { record: StoreRecord }): string {
  return offset.toString();
}
