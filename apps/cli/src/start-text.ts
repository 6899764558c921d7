import type { EmbeddedConnection } from '@kero/database';

export interface StartFacts {
  readonly messaging: string;
  readonly database: string;
  readonly receiverUrl: string;
  readonly adminUrl: string;
  /** Only who has a key or a token may send. */
  readonly needsKey: boolean;
  /** How a person connects to the rows. */
  readonly rows:
    | EmbeddedConnection
    | { readonly host: string; readonly port: number; readonly user: string; readonly database: string };
  readonly now: Date;
}

const QUERY = 'select * from events order by stored_at desc limit 5';

/** What `kero start` tells a person: what is in use, and two lines that work as printed. */
export function renderStartText(facts: StartFacts): string {
  const { rows } = facts;
  const key = facts.needsKey ? ' -H "authorization: Bearer $KERO_KEY"' : '';
  const advice = facts.needsKey ? ' (KERO_KEY is one that kero keys create has made)' : '';
  const passfile = 'passfile' in rows ? `PGPASSFILE=${shellQuote(rows.passfile)} ` : '';
  const psql = `${passfile}psql -h ${rows.host} -p ${rows.port} -U ${shellQuote(rows.user)} -d ${shellQuote(rows.database)}`;
  return `
Kero is running.

  messaging  ${facts.messaging}
  database   ${facts.database}
  receiver   ${facts.receiverUrl}   (API docs: ${facts.receiverUrl}/docs)
  health     ${facts.adminUrl}/health/ready

Send the first event${advice}:

  curl -i ${facts.receiverUrl}/api/v1/events -H 'content-type: application/json'${key} -d '${exampleEvent(facts.now)}'

Look at the rows:

  ${psql} -c '${QUERY}'

or, without psql:

  npx kero sql "${QUERY}"

Stop with Ctrl-C; the next start finds everything again.
`;
}

/** An event that happened now, with a price that a double would not print back. */
export function exampleEvent(now: Date): string {
  const timestamp = now.toISOString().replace(/\.\d+Z$/, 'Z');
  return `{"user_id":"user-1","event_type":"purchase","event_timestamp":"${timestamp}","event_data":{"item_id":"42","price":19.90}}`;
}

/** Leaves plain words alone and puts everything else into single quotes. */
export function shellQuote(text: string): string {
  return /^[A-Za-z0-9_./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
