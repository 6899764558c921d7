import { computeEventId, formatUuid } from '@kero/events';
import type { BenchDatabase } from './postgres.ts';

const CHUNK_ROWS = 500_000;

/** What a part of the input of an id is hashed as: its length, then its text. */
const part = (text: string) => `int4send(octet_length(${text})) || convert_to(${text}, 'UTF8')`;

/** Rows `first` to `last`, with the ids that Kero would have given them, from the time $1 on. */
const fillSql = (first: number, last: number, fromMicros: number, stepMicros: number) => `
  insert into events (id, user_id, event_type, event_timestamp, event_data, source, event_id, received_at, log_partition, log_offset)
  select (lpad(to_hex(micros / 1000), 12, '0') || '8' || substr(hex, 2, 3)
           || substr('89ab', ((get_byte(hash, 2) >> 4) & 3) + 1, 1) || substr(hex, 6, 15))::uuid,
         user_id, 'purchase', time,
         jsonb_build_object('item_id', 'item-' || n % 99991, 'price', n % 90 + 0.5, 'tags', '["new","sale"]'::jsonb, 'note', 'left at the door'),
         'bench', event_id, time, 0, n
  from (select n, micros, event_id, user_id, hash, encode(hash, 'hex') as hex,
               timestamptz '1970-01-01 00:00:00+00' + micros * interval '1 microsecond' as time
        from (select n, micros, event_id, user_id,
                     sha256(${part("'kero-event-v1'")} || ${part("'event_id'")} || ${part("'bench'")}
                            || ${part('event_id')} || ${part('micros::text')}) as hash
              from (select n, ${fromMicros}::bigint + n * ${stepMicros}::bigint as micros, 'old-' || lpad(n::text, 12, '0') as event_id,
                           'user-' || lpad((n % 10007)::text, 6, '0') as user_id
                    from generate_series(${first}::bigint, ${last}::bigint) as n) as numbered) as hashed) as rows`;

/** Fills the table with rows as Kero writes them, evenly over the time. All of one month, which must have its partition. */
export async function fillTable(
  database: BenchDatabase,
  options: { rows: number; fromMicros: number; toMicros: number; print: (line: string) => void },
): Promise<void> {
  const { rows, fromMicros, toMicros, print } = options;
  const stepMicros = Math.max(1, Math.floor((toMicros - fromMicros) / rows));
  const startedAt = performance.now();
  for (let first = 0; first < rows; first += CHUNK_ROWS) {
    const last = Math.min(first + CHUNK_ROWS, rows) - 1;
    await database.run(fillSql(first, last, fromMicros, stepMicros));
    print(`${last + 1} of ${rows} rows after ${Math.round((performance.now() - startedAt) / 1000)} s`);
  }
  await database.run('vacuum analyze events');
  await checkIds(database, fromMicros + stepMicros);
}

/** A table with other ids would have another index. */
async function checkIds(database: BenchDatabase, timestampMicros: number): Promise<void> {
  const eventId = `old-${'1'.padStart(12, '0')}`;
  const [row] = await database.run(`select id from events where event_id = '${eventId}'`);
  const id = formatUuid(
    computeEventId({ source: 'bench', eventId, userId: 'user-000001', eventType: 'purchase', timestampMicros }),
  );
  if (row?.[0] !== id) throw new Error(`the table was filled with the id ${row?.[0]} where Kero has ${id}`);
}
