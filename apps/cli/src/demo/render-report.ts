import type { QueryResult } from '@kero/database';
import { renderTable } from '../render-table.ts';
import type { DemoOutcome } from './check-demo.ts';

export interface ReportFacts {
  /** One event as it was posted, and the row it became. */
  readonly sentBody: string;
  readonly row: QueryResult;
  readonly requests: number;
  readonly sendMs: number;
  /** From the last answer until everything was stored. */
  readonly drainMs: number;
}

/** The account of a demo run, for a person. */
export function renderReport(outcome: DemoOutcome, facts: ReportFacts): string {
  const { accepted, refused, stored, duplicates, deadLetters } = outcome;
  const account = renderTable(
    ['what became of the requests', 'count'],
    [
      ['requests sent', String(facts.requests)],
      ['  refused (4xx, never stored)', String(refused)],
      ['  accepted (202)', String(accepted)],
      ['    stored, one row each', String(stored)],
      ['    duplicates, counted', String(duplicates)],
      ['    dead letters, with reason', String(deadLetters)],
    ],
    { alignRight: [1] },
  );
  const checks = renderTable(
    ['', 'check', 'found'],
    outcome.checks.map(({ holds, statement, found }) => [holds ? 'ok' : 'FAILED', statement, found]),
  );
  const row = facts.row.columns
    .map((column, n) => `  ${column.padEnd(16)}${facts.row.rows[0]?.[n] ?? 'null'}`)
    .join('\n');
  const perSecond = Math.round(facts.requests / (facts.sendMs / 1000));
  const verdict = outcome.checks.every(({ holds }) => holds)
    ? 'Everything adds up.'
    : 'IT DOES NOT ADD UP: this is a bug in Kero.';
  return `
${account}

${checks}

One event as it was sent:
  ${facts.sentBody}
and the row it became:
${row}

${facts.requests} requests in ${(facts.sendMs / 1000).toFixed(2)} s (${perSecond}/s, client on the same machine); the last row stood ${Math.round(facts.drainMs)} ms after the last answer.
${verdict}
`;
}
