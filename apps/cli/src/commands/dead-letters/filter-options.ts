import type { DeadLetterReason } from '@kero/database';
import { type DeadLetterFilter, type DeadLetterStatus, deadLetterReasons, deadLetterStatuses } from '@kero/database';
import type { Command } from 'commander';
import { parseCount, parseIds, parseList, parseListOf, parseMoment } from '../../option-values.ts';

/** What commander makes of the options below. */
export interface FilterOptions {
  readonly id?: readonly bigint[];
  readonly reason?: readonly DeadLetterReason[];
  readonly type?: readonly string[];
  readonly since?: number;
  readonly until?: number;
  readonly status?: readonly (DeadLetterStatus | 'all')[];
  readonly limit?: number;
}

/** The options with which a person says which letters are meant; the same for list, replay and discard. */
export function addFilterOptions(command: Command, { limit, nowMs }: { limit: string; nowMs: () => number }): Command {
  const reasons = Object.keys(deadLetterReasons) as DeadLetterReason[];
  return command
    .option('--id <ids>', 'only these, comma-separated', parseIds)
    .option('--reason <reasons>', `only these: ${reasons.join(', ')}`, parseListOf(reasons))
    .option('--type <types>', 'only these event types, as the payload names them', parseList)
    .option(
      '--since <time>',
      'failed at this time or later: RFC 3339, or how long ago (30m, 2h, 7d)',
      parseMoment(nowMs),
    )
    .option('--until <time>', 'failed before this time', parseMoment(nowMs))
    .option(
      '--status <statuses>',
      `${deadLetterStatuses.join(', ')} or all (default: open)`,
      parseListOf([...deadLetterStatuses, 'all']),
    )
    .option('--limit <number>', limit, parseCount);
}

/** Nobody means letters that are done with, unless they say so. */
export function toFilter(
  options: FilterOptions,
): DeadLetterFilter & { readonly statuses: readonly DeadLetterStatus[] } {
  return { ...toFilterOfAnyStatus(options), statuses: statusesOf(options) };
}

export function toFilterOfAnyStatus({ id, reason, type, since, until }: FilterOptions): DeadLetterFilter {
  return {
    ...(id && { ids: id }),
    ...(reason && { reasons: reason }),
    ...(type && { types: type }),
    ...(since !== undefined && { sinceMicros: since }),
    ...(until !== undefined && { untilMicros: until }),
  };
}

function statusesOf({ status = ['open'] }: FilterOptions): readonly DeadLetterStatus[] {
  if (status.includes('all')) return deadLetterStatuses;
  return deadLetterStatuses.filter((known) => status.includes(known));
}

/** The filter as JSON, for the audit log. */
export function filterForAudit(options: FilterOptions): Record<string, unknown> {
  const { id, since, until, ...rest } = options;
  const time = (micros: number) => new Date(micros / 1000).toISOString();
  return {
    ...rest,
    ...(id && { id: id.map(String) }),
    ...(since !== undefined && { since: time(since) }),
    ...(until !== undefined && { until: time(until) }),
  };
}
