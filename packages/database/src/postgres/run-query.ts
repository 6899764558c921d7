import type pg from 'pg';
import { databaseError } from '../database-errors.ts';
import type { QueryResult } from '../event-store.ts';
import { isServerError, toDatabaseError } from './classify-error.ts';
import { connectWritable, noLimits, type ServerAddress } from './client.ts';

/**
 * One statement for a person, on a connection of its own (whatever it sets or begins ends with it), without limits of time.
 */
export async function runQuery(server: ServerAddress, sql: string): Promise<QueryResult> {
  const { client } = await connectWritable(server, noLimits);
  try {
    // So that a statement ends when the person gives up and this process with it.
    await client.query("set client_connection_check_interval = '5s'");
    // Without values the library uses the simple protocol, in which every value is the text that PostgreSQL prints.
    const asText = { getTypeParser: () => (value: string) => value } as unknown as pg.CustomTypesConfig;
    const results = await client.query({ text: sql, rowMode: 'array', types: asText });
    const last = Array.isArray(results) ? (results.at(-1) as typeof results) : results;
    return {
      columns: last.fields.map((field) => field.name),
      rows: last.rows as (string | null)[][],
      command: last.command,
      rowCount: last.rowCount,
    };
  } catch (error) {
    if (!isServerError(error)) throw toDatabaseError(error, 'running the statement');
    throw databaseError('query_failed', describeQueryError(error), { cause: error });
  } finally {
    client.end().catch(() => {});
  }
}

function describeQueryError(error: pg.DatabaseError): string {
  const place = error.position ? ` (at character ${error.position})` : '';
  const more = [error.detail, error.hint].filter((text) => text).map((text) => `\n${text}`);
  return `${error.code}: ${error.message}${place}${more.join('')}`;
}
