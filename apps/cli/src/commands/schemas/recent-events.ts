import type { Database } from '@kero/database';
import type { SchemaCheck } from '@kero/events';
import { checkData } from '@kero/schemas';

/** How the newest stored events of a type do under a schema. */
export interface RecentEvents {
  readonly looked: number;
  readonly refused: number;
  /** One of those that would be refused. */
  readonly example: { readonly id: string; readonly problem: string } | undefined;
}

/** Without an index on event_type a rare type makes PostgreSQL read a lot. */
const TIMEOUT = '60s';

/** Rejects with what the database says. */
export async function checkRecentEvents(
  database: Pick<Database, 'query'>,
  { eventType, check }: { readonly eventType: string; readonly check: SchemaCheck },
  limit: number,
): Promise<RecentEvents> {
  // The type as hexadecimal digits, so that there is nothing in it to quote.
  const type = `convert_from(decode('${Buffer.from(eventType).toString('hex')}', 'hex'), 'UTF8')`;
  const { rows } = await database.query(
    `set statement_timeout = '${TIMEOUT}';
     select id, event_data from events where event_type = ${type} order by event_timestamp desc, id desc limit ${limit}`,
  );
  let refused = 0;
  let example: RecentEvents['example'];
  for (const [id, data] of rows) {
    const [problem] = checkData(check, data ?? 'null');
    if (!problem) continue;
    refused++;
    example ??= { id: id ?? '', problem: `${problem.pointer}: ${problem.detail} [${problem.code}]` };
  }
  return { looked: rows.length, refused, example };
}
