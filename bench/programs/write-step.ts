/** The write step of the processor: batches of events into the table, as it reads them, through the same EventStore. */
import { type Database, openDatabase, type PostgresConfig, type StoreBatch, type StoreEvent } from '@kero/database';
import { formatTimestamp } from '@kero/events';
import { createLogger } from '@kero/runtime';
import { builtInSchemas } from '@kero/schemas';
import { interpretRecord } from '../../apps/processor/src/interpret-record.ts';
import { offer } from '../support/program.ts';
import { batchesOf, type Row, rowOf, type WriteShape, writeInLanes } from './write-load.ts';

const LOG_ID = '0199be1d-1100-7548-b29d-d65d5192914d';
const OPTIONS = {
  eventSettings: { maxBytes: 100_000, maxFutureMs: 60_000, retentionMs: undefined },
  stores: () => true,
  typeSchemas: builtInSchemas,
  nowMs: Date.now(),
};
const logger = createLogger({ level: 'warn', format: 'json', name: 'writer' });

export interface RepeatedRows {
  /** So many rows of each batch are stored already, untimed. */
  readonly count: number;
  /** What another process has stored, this one has not met. */
  readonly storedBy: 'this process' | 'another process';
}

let database: Database | undefined;
let another: Database | undefined;
let offset = 0n;

offer({
  open: async (config: PostgresConfig) => {
    database = await openDatabase(config, { logger });
    another = await openDatabase(config, { logger });
  },
  /** Seconds that it took. */
  write: async ({ repeated: { count, storedBy }, ...shape }: WriteShape & { repeated: RepeatedRows }) => {
    const { firstNumber, firstMicros, batchRows } = shape;
    const store = requireOpen(database).events;
    const before = requireOpen(storedBy === 'this process' ? database : another).events;
    const batches: StoreBatch[] = [];
    for (const [index, rows] of batchesOf(shape).entries()) {
      const old = Array.from({ length: count }, (_, n) => {
        const age = index * count + n + 1;
        return rowOf(firstNumber - age, firstMicros - age);
      });
      if (count > 0) await before.store(batchOf(old));
      batches.push(batchOf([...rows.slice(count), ...old]));
    }
    let stored = 0;
    let duplicates = 0;
    // As many as the processor has at hand: one waits, ready, for a connection.
    const seconds = await writeInLanes(batches, shape.connections + 1, async (batch, lane) => {
      const result = await store.store({ ...batch, logPartition: lane });
      stored += result.stored;
      duplicates += result.duplicates;
    });
    const expected = shape.batches * (batchRows - count);
    if (stored !== expected || duplicates !== shape.batches * count) {
      throw new Error(`${stored} of ${expected} rows were stored, ${duplicates} repeated ones found`);
    }
    return seconds;
  },
  close: () => Promise.all([database?.close(), another?.close()]),
});

function batchOf(rows: readonly Row[]): StoreBatch {
  return { logId: LOG_ID, logPartition: 0, events: rows.map(eventOf), deadLetters: [] };
}

/** The event of the record that a receiver makes of it. */
function eventOf({ id, eventId, userId, eventType, source, timestampMicros, eventData }: Row): StoreEvent {
  const members = { event_id: eventId, event_type: eventType, user_id: userId };
  const timestamp = formatTimestamp(timestampMicros);
  const value = Buffer.from(
    `${JSON.stringify(members).slice(0, -1)},"event_timestamp":"${timestamp}","event_data":${eventData}}`,
  );
  const headers = [
    ['kero-source', Buffer.from(source)],
    ['kero-received-at', Buffer.from(timestamp)],
  ] as const;
  const timestampMs = Math.floor(timestampMicros / 1000);
  const record = { offset: offset++, timestampMs, key: Buffer.from(userId), value, headers };
  const found = interpretRecord(record, OPTIONS);
  if (found.kind === 'event' && found.event.id.equals(id)) return found.event;
  throw new Error(`${value} is not read as the event that it is`);
}

function requireOpen(given: Database | undefined): Database {
  if (!given) throw new Error('call open before');
  return given;
}
