/** The write step of the processor: batches of events into the table, through the same EventStore that it uses. */
import { type Database, openDatabase, type PostgresConfig, type StoreBatch, type StoreEvent } from '@kero/database';
import { createLogger } from '@kero/runtime';
import { offer } from '../support/program.ts';
import { batchesOf, type Row, rowOf, type WriteShape, writeInLanes } from './write-load.ts';

const LOG_ID = '0199be1d-1100-7548-b29d-d65d5192914d';
const logger = createLogger({ level: 'warn', format: 'json', name: 'writer' });

let database: Database | undefined;
let offset = 0n;

offer({
  open: async (config: PostgresConfig) => {
    database = await openDatabase(config, { logger });
  },
  /** Seconds that it took. `repeated`: of each batch so many rows in a hundred are stored already, untimed. */
  write: async ({ repeated, ...shape }: WriteShape & { repeated: number }) => {
    const store = requireDatabase().events;
    const count = Math.round((shape.batchRows * repeated) / 100);
    const old = Array.from({ length: count }, (_, n) => rowOf(shape.firstNumber - 1 - n, shape.firstMicros - 1 - n));
    if (count > 0) await store.store(batchOf(old));
    const batches = batchesOf(shape).map((rows) => batchOf([...rows.slice(count), ...old]));
    let stored = 0;
    let duplicates = 0;
    const seconds = await writeInLanes(batches, shape.connections, async (batch, lane) => {
      const result = await store.store({ ...batch, logPartition: lane });
      stored += result.stored;
      duplicates += result.duplicates;
    });
    const expected = shape.batches * (shape.batchRows - count);
    if (stored !== expected || duplicates !== shape.batches * count) {
      throw new Error(`${stored} of ${expected} rows were stored, ${duplicates} repeated ones found`);
    }
    return seconds;
  },
  close: () => database?.close(),
});

function batchOf(rows: readonly Row[]): StoreBatch {
  return { logId: LOG_ID, logPartition: 0, events: rows.map(eventOf), deadLetters: [] };
}

function eventOf({ id, eventId, userId, eventType, source, timestampMicros, eventData }: Row): StoreEvent {
  const record = { offset: offset++, key: null, value: null, headers: [], receivedAtMicros: timestampMicros };
  return { id, eventId, userId, eventType, source, timestampMicros, eventData, record };
}

function requireDatabase(): Database {
  if (!database) throw new Error('call open before');
  return database;
}
