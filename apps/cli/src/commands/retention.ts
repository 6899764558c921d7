import type { RetentionResult } from '@kero/database';
import { type CommandContext, CommandRefused, type CommandResult } from '../run-command.ts';
import { withDatabase } from '../with-database.ts';

/**
 * `kero retention`: drops the months that are older than EVENTS_RETENTION, once. For the owner of the tables, where the processor's
 * role may not. Fails when a month could not be dropped.
 */
export async function runRetention(options: { dryRun?: boolean }, context: CommandContext): Promise<CommandResult> {
  const { retentionMs } = context.settings.events;
  if (retentionMs === undefined) {
    throw new CommandRefused('EVENTS_RETENTION is not set, so every month is kept. Set it, for example to 365d.');
  }
  const dryRun = options.dryRun === true;
  return withDatabase(context, async ({ retention }) =>
    describeRetention(await retention.dropExpired({ retentionMs, nowMs: Date.now(), dryRun }), dryRun),
  );
}

export function describeRetention(result: RetentionResult, dryRun: boolean): CommandResult {
  switch (result.outcome) {
    case 'busy':
      return 'Another process is dropping old months right now: nothing to do.';
    case 'not_owner':
      throw new CommandRefused(
        `The role ${result.role} does not own the table events: run this as ${result.owner} (POSTGRES_USER).`,
      );
    case 'done': {
      const { dropped, waiting } = result;
      const lines = [
        ...dropped.map(({ name, bytes }) => `${dryRun ? 'would drop' : 'dropped'} ${name} (${bytes} bytes)`),
        ...waiting.map(({ name, reason }) => `${name} stays for now: ${reason}`),
      ];
      const text = lines.length === 0 ? 'No month is older than EVENTS_RETENTION: nothing to do.' : lines.join('\n');
      return { text, failed: waiting.length > 0 };
    }
  }
}
