import type { ClientBase } from 'pg';

interface Limits {
  readonly max: number;
  readonly reserved: number;
  readonly others: number;
  readonly role_limit: number;
  readonly database_limit: number;
}

/** -1 is no limit. pg_stat_database, because pg_stat_activity hides the sessions of other roles from an ordinary one. */
const LIMITS = `
select current_setting('max_connections')::int as max,
  case when rolsuper then 0
    else current_setting('superuser_reserved_connections')::int + coalesce(current_setting('reserved_connections', true), '0')::int
  end as reserved,
  (select greatest(0, sum(numbackends)::int - 1) from pg_stat_database) as others,
  case when rolsuper then -1 else rolconnlimit end as role_limit,
  (select case when rolsuper then -1 else datconnlimit end from pg_database where datname = current_database())
    as database_limit
from pg_roles where rolname = current_user`;

/**
 * Compares the connections that this process may open with what the server has left for it. Resolves to the sentence for a
 * warning when they may not be enough. Not an error: whoever finds none free waits and tries again.
 */
export async function findConnectionShortage(client: ClientBase, needed: number): Promise<string | undefined> {
  const { rows } = await client.query<Limits>(LIMITS);
  const [limits] = rows;
  if (limits === undefined) return undefined;
  const { max, reserved, others, role_limit: roleLimit, database_limit: databaseLimit } = limits;
  const left = Math.max(0, max - reserved - others);
  if (needed > left) {
    return (
      `this process may open ${needed} connections to PostgreSQL, which has ${left} left for it (max_connections ${max}, ` +
      `${reserved} of them reserved, ${others} taken by others): lower PROCESSOR_CONNECTIONS or raise max_connections`
    );
  }
  for (const [whose, limit] of [
    ['role', roleLimit],
    ['database', databaseLimit],
  ] as const) {
    if (limit < 0 || needed <= limit) continue;
    return `this process may open ${needed} connections to PostgreSQL, but its ${whose} has a connection limit of ${limit}: lower PROCESSOR_CONNECTIONS or raise that limit`;
  }
  return undefined;
}
