import {
  type DeadLetterCount,
  type DeadLetterStatus,
  type DeadLetterSummary,
  deadLetterStatuses,
} from '@kero/database';
import { printable, shorten } from '../../printable.ts';
import { renderTable } from '../../render-table.ts';
import type { CommandContext } from '../../run-command.ts';
import { withDatabase } from '../../with-database.ts';
import { type FilterOptions, toFilter, toFilterOfAnyStatus } from './filter-options.ts';

const DEFAULT_LIMIT = 20;
const MAX_TYPE = 24;
const MAX_DETAIL = 80;

/** `kero dead-letters list`: how many there are of each kind, then the newest. */
export async function listDeadLetters(options: FilterOptions, context: CommandContext): Promise<string> {
  return withDatabase(context, async ({ deadLetters }) => {
    const counts = await deadLetters.count(toFilterOfAnyStatus(options));
    if (counts.length === 0) return 'There are no dead letters that match.';
    const filter = toFilter(options);
    const matching = counts
      .filter(({ status }) => filter.statuses.includes(status))
      .reduce((sum, { letters }) => sum + letters, 0);
    const shown = await deadLetters.list(filter, options.limit ?? DEFAULT_LIMIT);
    return [renderCounts(counts), renderLetters(shown, matching, filter.statuses)].join('\n\n');
  });
}

function renderCounts(counts: readonly DeadLetterCount[]): string {
  return renderTable(
    ['status', 'reason', 'letters', 'oldest', 'newest'],
    counts.map(({ status, reason, letters, oldest, newest }) => [
      status,
      printable(reason),
      String(letters),
      formatTime(oldest),
      formatTime(newest),
    ]),
    { alignRight: [2] },
  );
}

function renderLetters(
  letters: readonly DeadLetterSummary[],
  matching: number,
  statuses: readonly DeadLetterStatus[],
): string {
  const kind = statuses.length === deadLetterStatuses.length ? '' : `${statuses.join(' or ')} `;
  if (letters.length === 0) return `None of them is ${kind.trim()}; --status all shows every one.`;
  const table = renderTable(
    ['letter', 'failed at', 'status', 'reason', 'type', 'detail'],
    letters.map(({ deadLetterId, failedAt, status, reason, eventType, detail }) => [
      String(deadLetterId),
      formatTime(failedAt),
      status,
      printable(reason),
      shorten(printable(eventType ?? ''), MAX_TYPE),
      shorten(printable(detail), MAX_DETAIL),
    ]),
    { alignRight: [0] },
  );
  const those = letters.length < matching ? `the newest ${letters.length} of ${matching}` : String(matching);
  const noun = matching === 1 ? 'letter' : 'letters';
  return `${table}\n(${those} ${kind}${noun}; kero dead-letters show LETTER tells everything about one)`;
}

/** To the second, UTC. */
export function formatTime(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, 'Z');
}
