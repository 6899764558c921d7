import { openOffsetAdmin, type PartitionPosition, positionLag, positionState } from '@kero/messaging';
import { startMessagingConfig } from '../../cli-configs.ts';
import { renderTable } from '../../render-table.ts';
import type { CommandContext } from '../../run-command.ts';

/** `kero offsets show`: where the group of the processors stands, whether they run or not. */
export async function showOffsets({ settings, logger }: CommandContext): Promise<string> {
  const { groupId } = settings.messaging;
  const admin = await openOffsetAdmin(startMessagingConfig(settings), groupId, { logger });
  try {
    return renderPositions(await admin.positions(), `${admin.description}, group ${groupId}`);
  } finally {
    await admin.close();
  }
}

export function renderPositions(positions: readonly PartitionPosition[], where: string): string {
  const table = renderTable(
    ['partition', 'log start', 'log end', 'committed', 'lag', 'state'],
    positions.map((position) => {
      const { partition, logStart, logEnd, committed } = position;
      const numbers = [partition, logStart, logEnd, committed ?? '-', positionLag(position)].map(String);
      return [...numbers, describeState(position)];
    }),
    { alignRight: [0, 1, 2, 3, 4] },
  );
  const lag = positions.reduce((sum, position) => sum + positionLag(position), 0n);
  const stuck = positions.filter((position) => ['gone', 'beyond_end'].includes(positionState(position))).length;
  const summary = stuck > 0 ? `; ${stuck} ${stuck === 1 ? 'partition stands' : 'partitions stand'} still` : '';
  return `${where}\n\n${table}\n(${lag} ${lag === 1n ? 'record' : 'records'} to go${summary})`;
}

function describeState(position: PartitionPosition): string {
  const { partition, logStart, committed = logStart } = position;
  switch (positionState(position)) {
    case 'reading':
      return 'ok';
    case 'not_started':
      return 'nothing committed: begins at the log start';
    case 'gone':
      return `RECORDS GONE: ${committed} to ${logStart - 1n} were deleted before they were stored; see kero offsets skip-gap --partition ${partition}`;
    case 'beyond_end':
      return 'BEYOND THE END: the log has lost its end; set the group back to the earliest offset';
  }
}
