import { existsSync } from 'node:fs';
import { describeError } from '@kero/runtime';
import { messagingError } from '../messaging-errors.ts';
import { logFile, openForReading, readIdentity } from './log-connection.ts';

/**
 * How many records of an embedded log that is not open the group has not committed yet; 0 where there is no log. All that
 * is left in the log counts for a group that never read it. Throws KeroError `log_unusable` when the file cannot be read.
 */
export function countUnstored(directory: string, groupId: string): number {
  const file = logFile(directory);
  if (!existsSync(file)) return 0;
  try {
    using database = openForReading(file);
    let unstored = 0;
    for (let partition = 0; partition < readIdentity(database).partitions; partition++) {
      const row = database
        .prepare(
          `SELECT sum(base_offset + record_count - max(base_offset, committed)) AS unstored
           FROM partition_${partition},
             (SELECT coalesce(max(next_offset), 0) AS committed FROM committed_offsets WHERE group_id = ? AND partition = ?)
           WHERE base_offset + record_count > committed`,
        )
        .get(groupId, partition);
      unstored += Number(row?.unstored ?? 0);
    }
    return unstored;
  } catch (error) {
    throw messagingError('log_unusable', `the log ${file} cannot be read: ${describeError(error)}`, { cause: error });
  }
}
