import { describeError } from '@kero/runtime';
import type { LagReader, PartitionLag } from '../messaging.ts';
import { messagingError } from '../messaging-errors.ts';
import type { ConsumerGroup } from './consumer-group.ts';
import type { LogReader } from './log-reader.ts';
import type { LogWriter } from './log-writer.ts';

export interface EmbeddedLagOptions {
  readonly groupId: string;
  readonly partitions: number;
  readonly reader: LogReader;
  readonly writer: LogWriter;
  /** The group in this process; undefined as long as nobody reads. */
  readonly group: () => ConsumerGroup | undefined;
}

/** What the log holds against what the group has committed. The file is asked, not the members. */
export function embeddedLagReader(options: EmbeddedLagOptions): LagReader {
  const { groupId, partitions, reader, writer, group } = options;
  const committedInFile = () =>
    new Map(reader.committedOffsets(groupId).map(({ partition, nextOffset }) => [partition, nextOffset]));
  const lagOf = (partition: number, committed: number | undefined): PartitionLag => {
    const logStart = reader.logStart(partition) ?? 0;
    const logEnd = writer.nextOffsets[partition] ?? 0;
    const next = Math.max(logStart, committed ?? 0);
    return {
      partition,
      logStart: BigInt(logStart),
      logEnd: BigInt(logEnd),
      committed: committed === undefined ? undefined : BigInt(committed),
      oldestWaitingMs: next < logEnd ? reader.timeFrom(partition, next) : undefined,
    };
  };
  return {
    async read() {
      try {
        const open = group();
        const committed = open ? new Map(open.committed.entries()) : committedInFile();
        return Array.from({ length: partitions }, (_, partition) => lagOf(partition, committed.get(partition)));
      } catch (cause) {
        throw messagingError('log_unavailable', `the embedded log cannot be read: ${describeError(cause)}`, { cause });
      }
    },
    close: async () => {},
  };
}
