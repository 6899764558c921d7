import type { Database } from '@kero/database';
import type { ProcessorCounts } from '@kero/processor';
import type { DemoKind } from './demo-events.ts';
import type { Answer } from './send-all.ts';

/** One statement about the whole run that must be true. */
export interface Check {
  readonly statement: string;
  readonly holds: boolean;
  readonly found: string;
}

export interface DemoOutcome {
  readonly accepted: number;
  readonly refused: number;
  readonly stored: number;
  readonly duplicates: number;
  readonly deadLetters: number;
  readonly checks: readonly Check[];
}

/**
 * Compares what the client saw with what PostgreSQL holds. Rows are counted in the tables, not taken from the processor:
 * a pipeline must not be believed about itself.
 */
export async function checkDemo(
  answers: readonly Answer[],
  database: Database,
  counts: ProcessorCounts,
): Promise<DemoOutcome> {
  const accepted = answers.filter(({ status }) => status === 202);
  const refused = answers.filter(({ status }) => status >= 400 && status < 500);
  const of = (kind: DemoKind) => answers.filter(({ request }) => request.kind === kind);
  const rows = new Map(
    (await query(database, "select id, event_data->>'price' from events")).map(([id, price]) => [id, price]),
  );
  const letters = await query(database, 'select id, reason from dead_letters');
  const { duplicates } = counts;

  const checks: Check[] = [];
  const check = (statement: string, holds: boolean, found: string) => checks.push({ statement, holds, found });
  const asIntended = answers.filter(
    ({ request, status }) => (request.kind === 'bad') === (status >= 400 && status < 500),
  );
  check(
    'every good event was accepted, every bad one refused',
    asIntended.length === answers.length,
    `${asIntended.length} of ${answers.length}`,
  );
  const total = rows.size + duplicates + letters.length;
  check(
    'accepted = stored + duplicates + dead letters',
    accepted.length === total,
    `${accepted.length} = ${rows.size} + ${duplicates} + ${letters.length}`,
  );
  const missing = of('new').filter(({ id }) => id === undefined || !rows.has(id));
  check(
    'each new event is exactly one row',
    missing.length === 0 && rows.size === of('new').length,
    `${rows.size} rows for ${of('new').length} events`,
  );
  const wrongPrice = of('new').filter(({ id, request }) => rows.get(id ?? '') !== request.price);
  check(
    'each price is stored to the digit',
    wrongPrice.length === 0,
    `${of('new').length - wrongPrice.length} of ${of('new').length}`,
  );
  const conflicting = letters.filter(([, reason]) => reason === 'conflict');
  const conflictsSent = of('conflict').length;
  check(
    'each conflict is a dead letter, and nothing else is',
    conflicting.length === conflictsSent && letters.length === conflictsSent,
    `${letters.length} letters for ${conflictsSent} conflicts`,
  );
  check(
    'each repeat was counted, not stored',
    duplicates === of('repeat').length,
    `${duplicates} of ${of('repeat').length}`,
  );
  return {
    accepted: accepted.length,
    refused: refused.length,
    stored: rows.size,
    duplicates,
    deadLetters: letters.length,
    checks,
  };
}

async function query(database: Database, sql: string): Promise<readonly (readonly (string | null)[])[]> {
  return (await database.query(sql)).rows;
}
