import type pg from 'pg';
import type { DeadLetterRow, EventRow } from './evidence.ts';

/** Rows of one query: a run of an hour fits in memory, its rows as one message of the protocol would not. */
const PAGE = 20_000;

const EVENTS = `
  select id, user_id as "userId", event_type as "eventType",
         (extract(epoch from event_timestamp) * 1000000)::bigint::text as micros,
         event_data::text as "eventData", source, event_id as "eventId",
         log_partition as partition, log_offset::float8 as offset,
         (extract(epoch from stored_at) * 1000)::float8 as "storedAt"
  from public.events order by event_timestamp, id`;

const DEAD_LETTERS = `
  select dead_letter_id::text as "deadLetterId", id, reason, detail, payload,
         log_partition as partition, log_offset::float8 as offset, status,
         (extract(epoch from failed_at) * 1000)::float8 as "failedAt"
  from public.dead_letters order by dead_letter_id`;

export async function readEvents(client: pg.Client): Promise<EventRow[]> {
  return readAll<EventRow>(client, EVENTS);
}

export async function readDeadLetters(client: pg.Client): Promise<DeadLetterRow[]> {
  const rows = await readAll<Omit<DeadLetterRow, 'payload'> & { payload: Buffer | null }>(client, DEAD_LETTERS);
  return rows.map((row) => ({ ...row, payload: row.payload?.toString('utf8') ?? null }));
}

async function readAll<T>(client: pg.Client, query: string): Promise<T[]> {
  await client.query('begin isolation level repeatable read, read only');
  try {
    await client.query(`declare found no scroll cursor for ${query}`);
    const all: T[] = [];
    for (;;) {
      const { rows } = await client.query(`fetch ${PAGE} from found`);
      for (const row of rows) all.push(row as T);
      if (rows.length < PAGE) return all;
    }
  } finally {
    await client.query('rollback');
  }
}
