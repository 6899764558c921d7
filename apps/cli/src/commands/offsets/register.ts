import type { Command } from 'commander';
import { parseNumber } from '../../option-values.ts';
import type { RunCommand } from '../../run-command.ts';
import { showOffsets } from './show.ts';
import { skipGap } from './skip-gap.ts';

/** Adds `kero offsets` and its commands. */
export function registerOffsets(program: Command, run: RunCommand): void {
  const offsets = program
    .command('offsets')
    .description('where the processors stand in the log, and the way over records that are gone');
  offsets
    .command('show')
    .description('log start, log end, committed offset and lag of each partition')
    .action(() => run(showOffsets));
  offsets
    .command('skip-gap')
    .description('go on at the log start where records were deleted from the log before they were stored')
    .requiredOption('--partition <number>', 'the partition that stands still', parseNumber)
    .option('--yes', 'do not ask')
    .action((options: { partition: number; yes?: boolean }) => run((context) => skipGap(options, context)));
}
