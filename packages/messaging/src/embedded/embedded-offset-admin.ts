import { existsSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { describeError, isKeroError, lockFolder } from '@kero/runtime';
import { messagingError } from '../messaging-errors.ts';
import type { EmbeddedConfig } from '../messaging-settings.ts';
import { type OffsetAdmin, type PartitionPosition, type SkipResult, whyNotSkip } from '../offset-admin.ts';
import { noLog } from './connect-embedded.ts';
import { logFile, openForReading, openForWriting, readIdentity } from './log-connection.ts';
import { allColumns, type PartitionColumns } from './log-tables.ts';

const BOUNDS = ({ base, count }: PartitionColumns) => `
SELECT (SELECT ${base} FROM appends ORDER BY seq LIMIT 1) AS log_start,
  (SELECT ${base} + ${count} FROM appends ORDER BY seq DESC LIMIT 1) AS log_end,
  (SELECT next_offset FROM committed_offsets WHERE group_id = ? AND partition = ?) AS committed`;

/** See openOffsetAdmin. Reads beside the process that owns the log; changes only a log that nobody runs. */
export async function openEmbeddedOffsetAdmin(
  { directory }: Pick<EmbeddedConfig, 'directory'>,
  groupId: string,
): Promise<OffsetAdmin> {
  const file = logFile(directory);
  if (!existsSync(file)) throw noLog(directory);
  return {
    description: `embedded log in ${directory}`,
    positions: async () =>
      guarded(file, () => {
        using database = openForReading(file);
        return readPositions(database, groupId);
      }),
    skipGap: async (partition, from): Promise<SkipResult> => {
      using _owned = lockFolder(directory);
      return guarded(file, () => {
        using database = openForWriting(file);
        const position = readPositions(database, groupId)[partition];
        const reason = whyNotSkip(position, from);
        if (!position || reason !== undefined)
          return { skipped: false, reason: reason ?? 'there is no such partition' };
        database
          .prepare('UPDATE committed_offsets SET next_offset = ? WHERE group_id = ? AND partition = ?')
          .run(position.logStart, groupId, partition);
        return { skipped: true, from, to: position.logStart };
      });
    },
    close: async () => {},
  };
}

function readPositions(database: DatabaseSync, groupId: string): PartitionPosition[] {
  return allColumns(readIdentity(database).partitions).map((columns, partition) => {
    const row = database.prepare(BOUNDS(columns)).get(groupId, partition);
    // The log is only empty before its first record: trimming leaves the last row.
    const logEnd = BigInt(Number(row?.log_end ?? 0));
    return {
      partition,
      logStart: BigInt(Number(row?.log_start ?? 0)),
      logEnd,
      committed: typeof row?.committed === 'number' ? BigInt(row.committed) : undefined,
    };
  });
}

function guarded<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (isKeroError(error)) throw error;
    throw messagingError('log_unusable', `the log ${file} cannot be read: ${describeError(error)}`, { cause: error });
  }
}
