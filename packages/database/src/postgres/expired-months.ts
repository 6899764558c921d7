import type { ClientBase } from 'pg';

/** An expired month, and how far an earlier call has come with it. */
export interface ExpiredPartition {
  readonly name: string;
  readonly bytes: number;
  readonly state:
    | 'attached'
    /** A detach of ours was interrupted; queries no longer see it. */
    | 'pending'
    /** Detached by us, and not dropped yet. */
    | 'detached'
    /** Somebody else began to detach it, so it is not ours to drop. */
    | 'pending_by_others';
}

/** The comment that tells a table which we have detached from one that a person has. */
export const RETENTION_MARK = 'Kero: older than EVENTS_RETENTION, about to be dropped';

/**
 * Bounds are compared as text with what a month of that name must have: a partition that somebody made with other bounds
 * may hold younger events.
 */
const EXPIRED = `
with tables as (
  select c.oid, c.relname::text as name, c.relpartbound, i.inhparent, coalesce(i.inhdetachpending, false) as pending,
    obj_description(c.oid, 'pg_class') is not distinct from $1 as marked
  from pg_class c left join pg_inherits i on i.inhrelid = c.oid
  where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relname ~ '^events_\\d{4}_(0[1-9]|1[0-2])$'
    and (i.inhparent = 'public.events'::regclass or i.inhparent is null)
), months as (
  select *, make_timestamptz(substr(name, 8, 4)::int, substr(name, 13, 2)::int, 1, 0, 0, 0, 'UTC') as first_moment from tables
)
select name, pg_total_relation_size(oid)::text as bytes,
  case when inhparent is null then 'detached' when not pending then 'attached' when marked then 'pending'
    else 'pending_by_others' end as state
from months
where first_moment + interval '1 month' <= least($2::timestamptz, now()) - $3::double precision * interval '1 millisecond'
  and case when inhparent is null then marked
    else pg_get_expr(relpartbound, oid) = format('FOR VALUES FROM (%L) TO (%L)', first_moment, first_moment + interval '1 month')
    end
order by name`;

/** Needs a session whose time zone is UTC and whose date style is ISO. Oldest first. */
export async function findExpired(
  client: ClientBase,
  { retentionMs, nowMs }: { retentionMs: number; nowMs: number },
): Promise<ExpiredPartition[]> {
  const { rows } = await client.query<{ name: string; bytes: string; state: ExpiredPartition['state'] }>(EXPIRED, [
    RETENTION_MARK,
    new Date(nowMs).toISOString(),
    retentionMs,
  ]);
  return rows.map(({ name, bytes, state }) => ({ name, bytes: Number(bytes), state }));
}
