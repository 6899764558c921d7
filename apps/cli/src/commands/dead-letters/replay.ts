import type { Database } from '@kero/database';
import { connectMessaging } from '@kero/messaging';
import { describeError } from '@kero/runtime';
import { actor } from '../../actor.ts';
import { startMessagingConfig } from '../../cli-configs.ts';
import { openCliSchemas } from '../../cli-schemas.ts';
import { Pacer } from '../../pacer.ts';
import { printable } from '../../printable.ts';
import { createProgress } from '../../progress.ts';
import { type CommandContext, type CommandProcess, type CommandResult, stopSignal } from '../../run-command.ts';
import { withDatabase } from '../../with-database.ts';
import { describeNoMatch } from './describe-no-match.ts';
import { type FilterOptions, filterForAudit, toFilter } from './filter-options.ts';
import { forecastReplay } from './forecast.ts';
import { ForecastSummary } from './forecast-summary.ts';
import { letterPages, type Selection } from './letter-pages.ts';
import { type ReplayOutcome, replayLetters } from './replay-letters.ts';

/** Letters of one append. */
const RUN_LETTERS = 100;
const RUNS_A_SECOND = 10;
const PATIENCE_MS = 30_000;
const MAX_NAMED = 20;

export interface ReplayOptions extends FilterOptions {
  readonly dryRun?: boolean;
  /** Records a second. */
  readonly rate?: number;
}

/** `kero dead-letters replay`: says what it would come to, and (unless it is a dry run) appends the records again. */
export async function replayDeadLetters(
  options: ReplayOptions,
  context: CommandContext & { readonly nowMs: number },
): Promise<CommandResult> {
  using stop = stopSignal(context.process);
  await using schemas = await openCliSchemas(context);
  return await withDatabase(context, async (database) => {
    const { deadLetters } = database;
    const selection = { filter: toFilter(options), upTo: await deadLetters.lastId(), limit: options.limit };
    const summary = new ForecastSummary();
    for await (const page of letterPages(deadLetters, selection)) {
      if (stop.signal.aborted) return { text: 'Stopped; nothing was sent.', failed: true };
      summary.add(page, await forecastReplay(page, deadLetters, { ...context, schemas: schemas.source }));
    }
    if (summary.total === 0) return describeNoMatch(options, deadLetters);
    if (options.dryRun) return `${summary.render()}\n\nThis was a dry run: nothing was sent.`;
    context.process.stdout.write(`${summary.render()}\n\n`);
    if (summary.sendable === 0) return { text: 'Nothing was sent.', failed: true };
    return send(database, selection, { ...context, options, summary, stop: stop.signal });
  });
}

interface SendContext extends CommandContext {
  readonly process: CommandProcess;
  readonly options: ReplayOptions;
  readonly summary: ForecastSummary;
  readonly stop: AbortSignal;
}

async function send(
  { deadLetters, audit }: Database,
  selection: Selection & { readonly filter: ReturnType<typeof toFilter> },
  { settings, logger, process, options, summary, stop }: SendContext,
): Promise<CommandResult> {
  const { rate = Number.POSITIVE_INFINITY, dryRun: _, ...filter } = options;
  const messaging = await connectMessaging(startMessagingConfig(settings), { logger });
  try {
    const producer = await messaging.producer();
    const detail = { filter: filterForAudit(filter), letters: summary.total, to: messaging.description };
    const auditId = await audit.begin({ action: 'dead_letters_replay', actor: actor(), detail });
    const progress = createProgress(process.stderr, 'replaying', summary.sendable);
    let done = 0;
    const outcome = await replayLetters(letterPages(deadLetters, selection), runLength(rate), {
      producer,
      deadLetters,
      pacer: new Pacer(rate),
      stop,
      patienceMs: PATIENCE_MS,
      from: selection.filter.statuses,
      onReplayed: (letters) => {
        done += letters;
        progress.update(done);
      },
    });
    progress.finish();
    const result = renderOutcome(outcome, summary, messaging.description);
    const ended = audit.end(auditId, {
      outcome: outcome.stopped === undefined ? 'done' : `stopped: ${outcome.stopped}`,
      detail: { replayed: outcome.replayed, notReplayed: outcome.notReplayed.length },
    });
    // What was done must be told, also when the database is what stopped it.
    return await ended.then(
      () => result,
      (error: unknown) => ({
        text: `${result.text}\nThe audit log has no end of this (row ${auditId}): ${describeError(error)}`,
        failed: true,
      }),
    );
  } finally {
    await messaging.close();
  }
}

/** Short enough that a low rate is kept evenly. */
function runLength(rate: number): number {
  return Math.max(1, Math.min(RUN_LETTERS, Math.floor(rate / RUNS_A_SECOND)));
}

function renderOutcome(
  { replayed, notReplayed, stopped }: ReplayOutcome,
  { total, failing }: ForecastSummary,
  log: string,
): { text: string; failed: boolean } {
  const lines = [`Replayed ${replayed} of ${total}: they are in the log again (${log}), for the processor to take.`];
  if (failing > 0 && replayed > 0) {
    lines.push(`What fails again becomes a new letter: kero dead-letters list.`);
  }
  for (const { deadLetterId, reason } of notReplayed.slice(0, MAX_NAMED)) {
    lines.push(`Letter ${deadLetterId} was not replayed: ${printable(reason)}`);
  }
  if (notReplayed.length > MAX_NAMED) lines.push(`... and ${notReplayed.length - MAX_NAMED} more were not replayed.`);
  if (stopped !== undefined) {
    lines.push(
      `Stopped early: ${printable(stopped)}`,
      'The others are as they were. Run the same command again for them; what may have been sent twice is stored once.',
    );
  }
  return { text: lines.join('\n'), failed: stopped !== undefined || notReplayed.length > 0 };
}
