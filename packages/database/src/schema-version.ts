import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ClientBase } from 'pg';
import { databaseError } from './database-errors.ts';

export const MIGRATIONS_FOLDER = fileURLToPath(new URL('../migrations', import.meta.url));
export const MIGRATIONS_TABLE = 'kero_migrations';

/** The migrations that this program comes with, in order: `000001_events`, ... */
export function knownMigrations(): string[] {
  return readdirSync(MIGRATIONS_FOLDER)
    .filter((file) => file.endsWith('.sql'))
    .map((file) => file.slice(0, -'.sql'.length))
    .sort();
}

/** The migrations that the database has had, in order; none when it is not a database of Kero. */
export async function appliedMigrations(client: ClientBase): Promise<string[]> {
  const table = await client.query<{ found: boolean }>(
    `select to_regclass('public.${MIGRATIONS_TABLE}') is not null as found`,
  );
  if (!table.rows[0]?.found) return [];
  const applied = await client.query<{ name: string }>(`select name from public.${MIGRATIONS_TABLE} order by name`);
  return applied.rows.map((row) => row.name);
}

/** Throws `schema_newer` when the database has had migrations that this program does not know. */
export function refuseNewerSchema(applied: readonly string[]): void {
  const known = new Set(knownMigrations());
  const unknown = applied.filter((name) => !known.has(name));
  if (unknown.length === 0) return;
  throw databaseError(
    'schema_newer',
    `the database has migrations that this program does not know: ${unknown.join(', ')}`,
  );
}

/**
 * Throws `schema_missing` or `schema_newer` unless the schema is exactly the one this program was written for, and
 * `database_misconfigured` when the primary key of events is gone: without it COPY would store every event again.
 */
export async function checkSchema(client: ClientBase): Promise<void> {
  await checkEncoding(client);
  const applied = await appliedMigrations(client);
  refuseNewerSchema(applied);
  const missing = knownMigrations().filter((name) => !applied.includes(name));
  if (missing.length > 0) {
    const what = applied.length === 0 ? "has not got Kero's tables" : 'is of an older version';
    throw databaseError('schema_missing', `the database ${what}; migrations to apply: ${missing.join(', ')}`);
  }
  const key = await client.query<{ columns: string[] }>(PRIMARY_KEY);
  if (key.rows.length === 0) {
    throw databaseError(
      'database_misconfigured',
      'events has no valid primary key (event_timestamp, id) on all of its partitions: events would be stored twice',
      {
        remedy:
          'Create the primary key again; `kero sql "select indexdef from pg_indexes where tablename like \'events%\'"` shows what is there.',
      },
    );
  }
}

/** Throws `schema_missing` where the database cannot hold every character: good events would look like bad data there. */
export async function checkEncoding(client: ClientBase): Promise<void> {
  const { rows } = await client.query<{ encoding: string }>('select getdatabaseencoding() as encoding');
  if (rows[0]?.encoding === 'UTF8') return;
  throw databaseError(
    'schema_missing',
    `the database has the encoding ${rows[0]?.encoding}, in which events cannot be stored`,
    {
      remedy: "Use a database with the encoding UTF8: create database NAME encoding 'UTF8' template template0.",
    },
  );
}

const PRIMARY_KEY = `
select 1
from pg_index i
where i.indrelid = 'public.events'::regclass and i.indisprimary and i.indisvalid
  and array(select a.attname::text from unnest(i.indkey) with ordinality as k (attnum, place)
    join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum order by k.place) = '{event_timestamp,id}'`;
