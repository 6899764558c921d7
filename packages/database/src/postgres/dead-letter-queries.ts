import type pg from 'pg';
import type {
  DeadLetterCount,
  DeadLetterFilter,
  DeadLetterPage,
  DeadLetterStatus,
  DeadLetterStore,
  DeadLetterSummary,
  StoredDeadLetter,
  StoredEventPlace,
} from '../dead-letter-store.ts';
import type { ConnectionPool } from './connection-pool.ts';

/**
 * The same text for every filter: PostgreSQL plans it with the values at hand and drops the conditions that are off. The type
 * is asked last (its function says what it costs), because it has to read the payload.
 */
const PASSES = `
($1::bigint[] is null or dead_letter_id = any ($1))
  and ($2::text[] is null or reason = any ($2))
  and ($3::text[] is null or status = any ($3))
  and ($4::bigint is null or failed_at >= timestamptz 'epoch' + $4 * interval '1 microsecond')
  and ($5::bigint is null or failed_at < timestamptz 'epoch' + $5 * interval '1 microsecond')
  and ($6::text[] is null or public.kero_event_type(payload) = any ($6))`;

const SUMMARY = `
dead_letter_id, id, reason, detail, status, public.kero_event_type(payload) as event_type, log_id, log_partition, log_offset,
  received_at, failed_at, status_changed_at, note, replay_of`;

const COUNT = `
select status, reason, count(*) as letters, min(failed_at) as oldest, max(failed_at) as newest
from public.dead_letters
where ${PASSES}
group by status, reason
order by letters desc, status, reason`;

/** The letters are chosen before their payloads are read for the type: only those of the page have to be. */
const LIST = `
select ${SUMMARY}
from (select * from public.dead_letters where ${PASSES} order by dead_letter_id desc limit $7) as page
order by dead_letter_id desc`;

const READ = `
select ${SUMMARY}, payload, record_key, record_headers
from (
  select *
  from public.dead_letters
  where dead_letter_id > $7 and dead_letter_id <= $8 and ${PASSES}
  order by dead_letter_id limit $9
) as page
order by dead_letter_id`;

const LAST_ID = 'select coalesce(max(dead_letter_id), 0) as last from public.dead_letters';

const REPLAYS_OF = `select ${SUMMARY} from public.dead_letters where replay_of = $1 order by dead_letter_id`;

/** The time inside each id leads to one partition and its primary key. */
const EVENTS_BY_ID = `
select e.id, e.stored_at, e.log_partition, e.log_offset
from unnest($1::uuid[]) as wanted (id)
cross join lateral (
  select *
  from public.events
  where id = wanted.id
    and event_timestamp >= public.kero_event_time(wanted.id)
    and event_timestamp < public.kero_event_time(wanted.id) + interval '1 millisecond'
) as e`;

const SET_STATUS = `
update public.dead_letters
set status = $2, status_changed_at = now(), note = coalesce($4, note)
where dead_letter_id = any ($1::bigint[]) and status = any ($3::text[])`;

interface SummaryRow {
  dead_letter_id: string;
  id: string | null;
  reason: string;
  detail: string;
  status: DeadLetterStatus;
  event_type: string | null;
  log_id: string;
  log_partition: number;
  log_offset: string;
  received_at: Date;
  failed_at: Date;
  status_changed_at: Date | null;
  note: string | null;
  replay_of: string | null;
}

interface LetterRow extends SummaryRow {
  payload: Buffer | null;
  record_key: Buffer | null;
  record_headers: readonly [name: string, value: string | { base64: string }][];
}

type CountRow = Omit<DeadLetterCount, 'letters'> & { readonly letters: string };

interface EventRow {
  id: string;
  stored_at: Date;
  log_partition: number;
  log_offset: string;
}

/** Dead letters for people; the contract is in dead-letter-store.ts. */
export class PostgresDeadLetterStore implements DeadLetterStore {
  readonly #pool: ConnectionPool;

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  async count(filter: DeadLetterFilter): Promise<DeadLetterCount[]> {
    const rows = await this.#rows<CountRow>('counting dead letters', COUNT, filterValues(filter));
    return rows.map((row) => ({ ...row, letters: Number(row.letters) }));
  }

  async list(filter: DeadLetterFilter, limit: number): Promise<DeadLetterSummary[]> {
    const values = [...filterValues(filter), limit];
    return (await this.#rows<SummaryRow>('listing dead letters', LIST, values)).map(toSummary);
  }

  async read(filter: DeadLetterFilter, { after, upTo, limit }: DeadLetterPage): Promise<StoredDeadLetter[]> {
    const values = [...filterValues(filter), after, upTo, limit];
    return (await this.#rows<LetterRow>('reading dead letters', READ, values)).map(toLetter);
  }

  async lastId(): Promise<bigint> {
    const rows = await this.#rows<{ last: string }>('counting dead letters', LAST_ID, []);
    return BigInt(rows[0]?.last ?? 0);
  }

  async replaysOf(deadLetterId: bigint): Promise<DeadLetterSummary[]> {
    return (await this.#rows<SummaryRow>('reading dead letters', REPLAYS_OF, [deadLetterId])).map(toSummary);
  }

  async eventsById(ids: readonly string[]): Promise<StoredEventPlace[]> {
    if (ids.length === 0) return [];
    const rows = await this.#rows<EventRow>('looking for events', EVENTS_BY_ID, [ids]);
    return rows.map((row) => ({
      id: row.id,
      storedAt: row.stored_at,
      logPartition: row.log_partition,
      logOffset: BigInt(row.log_offset),
    }));
  }

  async setStatus(
    deadLetterIds: readonly bigint[],
    { from, to, note }: { from: readonly DeadLetterStatus[]; to: DeadLetterStatus; note?: string },
  ): Promise<number> {
    return this.#pool.use('changing dead letters', async (client) => {
      const result = await client.query(SET_STATUS, [deadLetterIds, to, from, note ?? null]);
      return result.rowCount ?? 0;
    });
  }

  async #rows<Row extends pg.QueryResultRow>(doing: string, sql: string, values: unknown[]): Promise<Row[]> {
    return this.#pool.use(doing, async (client) => (await client.query<Row>(sql, values)).rows);
  }
}

function filterValues({ ids, reasons, statuses, sinceMicros, untilMicros, types }: DeadLetterFilter): unknown[] {
  return [ids, reasons, statuses, sinceMicros, untilMicros, types].map((value) => value ?? null);
}

function toSummary(row: SummaryRow): DeadLetterSummary {
  return {
    deadLetterId: BigInt(row.dead_letter_id),
    id: row.id ?? undefined,
    reason: row.reason,
    detail: row.detail,
    status: row.status,
    eventType: row.event_type ?? undefined,
    logId: row.log_id,
    logPartition: row.log_partition,
    logOffset: BigInt(row.log_offset),
    receivedAt: row.received_at,
    failedAt: row.failed_at,
    statusChangedAt: row.status_changed_at ?? undefined,
    note: row.note ?? undefined,
    replayOf: row.replay_of === null ? undefined : BigInt(row.replay_of),
  };
}

function toLetter(row: LetterRow): StoredDeadLetter {
  return {
    ...toSummary(row),
    payload: row.payload,
    key: row.record_key,
    headers: row.record_headers.map(([name, value]) => [
      name,
      typeof value === 'string' ? Buffer.from(value) : Buffer.from(value.base64, 'base64'),
    ]),
  };
}
