import { openOffsetAdmin, type SkipResult, whyNotSkip } from '@kero/messaging';
import { describeError } from '@kero/runtime';
import { actor } from '../../actor.ts';
import { startMessagingConfig } from '../../cli-configs.ts';
import { confirm } from '../../confirm.ts';
import { type CommandContext, CommandRefused, stopSignal } from '../../run-command.ts';
import { withDatabase } from '../../with-database.ts';

/**
 * `kero offsets skip-gap`: moves the group over records that are gone from the log, after it was written down in PostgreSQL who
 * did it: what is given up here was once answered with 202.
 */
export async function skipGap(
  { partition, yes = false }: { readonly partition: number; readonly yes?: boolean },
  context: CommandContext,
): Promise<string> {
  const { settings, logger, process } = context;
  using stop = stopSignal(process);
  const { groupId } = settings.messaging;
  const admin = await openOffsetAdmin(startMessagingConfig(settings), groupId, { logger });
  try {
    const position = (await admin.positions())[partition];
    if (!position) throw new CommandRefused(`There is no partition ${partition} (${admin.description}).`);
    const { committed, logStart } = position;
    const reason = whyNotSkip(position, committed ?? logStart);
    if (committed === undefined || reason !== undefined) throw new CommandRefused(`Refused: ${reason}.`);
    const gap = `partition ${partition} of ${admin.description}, group ${groupId}: offsets ${committed} to ${logStart - 1n}`;
    const question = `Give up ${gap} (${logStart - committed})? They are gone from the log, and their events are not stored.`;
    await confirm(question, { process, yes, stop: stop.signal });
    const result = await withDatabase(context, async ({ audit }) => {
      const auditId = await audit.begin({
        action: 'offsets_skip_gap',
        actor: actor(),
        detail: { log: admin.description, group: groupId, partition, from: String(committed), to: String(logStart) },
      });
      try {
        const skipped = await admin.skipGap(partition, committed);
        await audit.end(auditId, auditOutcome(skipped));
        return skipped;
      } catch (error) {
        await audit.end(auditId, { outcome: `failed: ${describeError(error)}` });
        throw error;
      }
    });
    if (!result.skipped) throw new CommandRefused(`Refused: ${result.reason}.`);
    return `Partition ${partition} goes on at offset ${result.to}; ${result.to - result.from} offsets were given up. It is written down in the table audit_log.`;
  } finally {
    await admin.close();
  }
}

function auditOutcome(result: SkipResult): { outcome: string; detail?: Record<string, unknown> } {
  if (!result.skipped) return { outcome: `refused: ${result.reason}` };
  return { outcome: 'done', detail: { to: String(result.to) } };
}
