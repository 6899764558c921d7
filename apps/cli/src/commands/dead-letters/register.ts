import type { Command } from 'commander';
import { parseCount, parseId } from '../../option-values.ts';
import type { RunCommand } from '../../run-command.ts';
import { type DiscardOptions, discardDeadLetters } from './discard.ts';
import { addFilterOptions, type FilterOptions } from './filter-options.ts';
import { listDeadLetters } from './list.ts';
import { type ReplayOptions, replayDeadLetters } from './replay.ts';
import { showDeadLetter } from './show.ts';

/** Adds `kero dead-letters` and its commands. */
export function registerDeadLetters(program: Command, run: RunCommand, nowMs: () => number = Date.now): void {
  const deadLetters = program
    .command('dead-letters')
    .description('look at records that did not become rows, send them again, or put them aside');

  const list = deadLetters.command('list').description('how many there are of each kind, and the newest');
  addFilterOptions(list, { limit: 'how many are shown (default: 20)', nowMs }).action((options: FilterOptions) =>
    run((context) => listDeadLetters(options, context)),
  );

  deadLetters
    .command('show')
    .description('everything about one letter, and what to do')
    .argument('<letter>', 'its number', parseId)
    .action((letter: bigint) => run((context) => showDeadLetter(letter, context)));

  const replay = deadLetters
    .command('replay')
    .description('append the records to the log again; their identity stays, so no row is doubled');
  addFilterOptions(replay, { limit: 'at most so many, the oldest first', nowMs })
    .option('--dry-run', 'say what would happen, and send nothing')
    .option('--rate <number>', 'at most so many records a second', parseCount)
    .action((options: ReplayOptions) => run((context) => replayDeadLetters(options, { ...context, nowMs: nowMs() })));

  const discard = deadLetters
    .command('discard')
    .description('put letters aside; they stay in the table and can still be replayed');
  addFilterOptions(discard, { limit: 'at most so many, the oldest first', nowMs })
    .option('--dry-run', 'say how many, and change nothing')
    .option('--note <text>', 'why, for those who look later')
    .option('--yes', 'do not ask')
    .action((options: DiscardOptions) => run((context) => discardDeadLetters(options, context)));
}
