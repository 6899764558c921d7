import type { Database } from '@kero/database';
import { actor } from '../../actor.ts';
import { confirm } from '../../confirm.ts';
import { createProgress } from '../../progress.ts';
import { type CommandContext, type CommandProcess, type CommandResult, stopSignal } from '../../run-command.ts';
import { withDatabase } from '../../with-database.ts';
import { describeNoMatch } from './describe-no-match.ts';
import { type FilterOptions, filterForAudit, toFilter } from './filter-options.ts';
import { letterPages } from './letter-pages.ts';

export interface DiscardOptions extends FilterOptions {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly note?: string;
}

/** `kero dead-letters discard`: sets letters aside. They stay in the table, and can still be looked at and replayed. */
export async function discardDeadLetters(options: DiscardOptions, context: CommandContext): Promise<CommandResult> {
  const { process } = context;
  using stop = stopSignal(process);
  return await withDatabase(context, async (database) => {
    const { deadLetters } = database;
    const upTo = await deadLetters.lastId();
    const counts = await deadLetters.count(toFilter(options));
    const matching = counts.reduce((sum, { letters }) => sum + letters, 0);
    if (matching === 0) return describeNoMatch(options, deadLetters);
    const total = Math.min(matching, options.limit ?? matching);
    const kinds = counts.map(({ letters, status, reason }) => `${letters} ${status} ${reason}`).join(', ');
    const what = `${total} ${total === 1 ? 'letter' : 'letters'}${total < matching ? `, the oldest of ${matching}` : ''} (${kinds})`;
    if (options.dryRun) return `Would discard ${what}. This was a dry run: nothing was changed.`;
    await confirm(`Discard ${what}?`, { process, yes: options.yes ?? false, stop: stop.signal });
    return setAside(database, options, { upTo, total, process, stop: stop.signal });
  });
}

async function setAside(
  { deadLetters, audit }: Database,
  options: DiscardOptions,
  context: {
    readonly upTo: bigint;
    readonly total: number;
    readonly process: CommandProcess;
    readonly stop: AbortSignal;
  },
): Promise<CommandResult> {
  const { total, upTo, stop } = context;
  const { note, yes: _, dryRun: __, ...filterOptions } = options;
  const filter = toFilter(filterOptions);
  const auditId = await audit.begin({
    action: 'dead_letters_discard',
    actor: actor(),
    detail: { filter: filterForAudit(filterOptions), letters: total, ...(note !== undefined && { note }) },
  });
  const progress = createProgress(context.process.stderr, 'discarding', total);
  const change = { from: filter.statuses, to: 'discarded', ...(note !== undefined && { note }) } as const;
  let discarded = 0;
  for await (const page of letterPages(deadLetters, { filter, upTo, limit: options.limit })) {
    if (stop.aborted) break;
    discarded += await deadLetters.setStatus(
      page.map(({ deadLetterId }) => deadLetterId),
      change,
    );
    progress.update(discarded);
  }
  progress.finish();
  await audit.end(auditId, { outcome: stop.aborted ? 'stopped' : 'done', detail: { discarded } });
  return { text: `Discarded ${discarded} of ${total}.`, failed: stop.aborted };
}
