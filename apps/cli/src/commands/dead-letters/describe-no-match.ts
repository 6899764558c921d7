import type { DeadLetterStore } from '@kero/database';
import type { CommandResult } from '../../run-command.ts';
import { type FilterOptions, toFilterOfAnyStatus } from './filter-options.ts';

/** For when no letter passes: whether the status is the reason. Letters that were named and are not meant are a failure. */
export async function describeNoMatch(
  options: FilterOptions,
  deadLetters: Pick<DeadLetterStore, 'count'>,
): Promise<CommandResult> {
  const others = await deadLetters.count(toFilterOfAnyStatus(options));
  const failed = options.id !== undefined;
  if (others.length === 0) return { text: 'No dead letter matches.', failed };
  const byStatus = new Map<string, number>();
  for (const { status, letters } of others) byStatus.set(status, (byStatus.get(status) ?? 0) + letters);
  const found = [...byStatus].map(([status, letters]) => `${letters} ${status}`).join(', ');
  return { text: `No dead letter matches, but with another --status there are: ${found}.`, failed };
}
