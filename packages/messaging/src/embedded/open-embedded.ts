import { describeError, type Logger, lockFolder } from '@kero/runtime';
import type { Consumer, LagReader, Messaging, Producer } from '../messaging.ts';
import { messagingError } from '../messaging-errors.ts';
import type { EmbeddedConfig } from '../messaging-settings.ts';
import { ConsumerGroup } from './consumer-group.ts';
import { EmbeddedConsumer } from './embedded-consumer.ts';
import { embeddedLagReader } from './embedded-lag-reader.ts';
import { EmbeddedProducer } from './embedded-producer.ts';
import { logFile, openForReading } from './log-connection.ts';
import { prepareLogFile } from './log-file.ts';
import { LogReader } from './log-reader.ts';
import { LogWriter } from './log-writer.ts';
import { type StartWriterThread, startWriterThread } from './writer-thread.ts';

/** What nobody needs to set but tests. */
export interface EmbeddedTuning {
  /** Records that wait to be written, in bytes; beyond it appends fail with `log_overloaded`. */
  readonly maxQueuedBytes?: number;
  /** Bound of the log's file, in bytes; beyond it appends fail as on a full disk. */
  readonly maxFileBytes?: number;
  readonly trimIntervalMs?: number;
  readonly now?: () => number;
  readonly startThread?: StartWriterThread;
}

const MAX_QUEUED_BYTES = 64 * 1024 * 1024;
const TRIM_INTERVAL_MS = 30_000;

/**
 * Opens the log in the folder, which it makes where there is none; this process owns it until close().
 * Throws KeroError `folder_in_use`, `folder_unusable` or `log_unusable`.
 */
export async function openEmbedded(
  config: EmbeddedConfig,
  { logger }: { readonly logger: Logger },
  tuning: EmbeddedTuning = {},
): Promise<Messaging> {
  await using opened = new AsyncDisposableStack();
  opened.use(lockFolder(config.directory));
  const { logId, partitions } = prepareLogFile(config.directory);
  const file = logFile(config.directory);
  const groups = new Map<string, ConsumerGroup>();
  const now = tuning.now ?? Date.now;
  const writer = await LogWriter.open({
    file,
    partitions,
    maxFileBytes: tuning.maxFileBytes,
    logger,
    startThread: tuning.startThread ?? startWriterThread,
    maxQueuedBytes: tuning.maxQueuedBytes ?? MAX_QUEUED_BYTES,
    now,
    onWritten: () => {
      for (const group of groups.values()) group.wake();
    },
  });
  opened.defer(() => writer.close());
  // Closed before the writer, because only a writing connection that is the last one clears the write-ahead log away.
  const reader = opened.adopt(new LogReader(openForReading(file), partitions), (it) => it.close());

  let trimmedAt = now();
  const trim = () => {
    const at = now();
    const elapsedMs = Math.max(0, at - trimmedAt);
    trimmedAt = at;
    writer.trim({ storedBeforeMs: at - config.retentionMs, elapsedMs, forgetAfterMs: config.retentionMs });
  };
  const trimTimer = setInterval(trim, tuning.trimIntervalMs ?? TRIM_INTERVAL_MS);
  trimTimer.unref();
  opened.defer(() => clearInterval(trimTimer));

  // Closed in reverse: producers and consumers before the writer they use.
  const resources = opened.move();
  let closed: Promise<void> | undefined;
  const checkOpen = () => {
    if (closed !== undefined) throw messagingError('log_closed', 'the embedded log is closed');
  };
  const openGroup = (groupId: string) => {
    try {
      return new ConsumerGroup({ groupId, logId, partitions, reader, writer, logger });
    } catch (error) {
      throw messagingError('log_unavailable', `the embedded log cannot be read: ${describeError(error)}`, {
        cause: error,
      });
    }
  };
  return {
    description: `embedded log in ${config.directory}, ${partitions} partitions`,
    async producer(): Promise<Producer> {
      checkOpen();
      return resources.adopt(new EmbeddedProducer({ writer, maxRecordBytes: config.maxRecordBytes }), (it) =>
        it.close(),
      );
    },
    async consumer(groupId: string): Promise<Consumer> {
      checkOpen();
      const group = groups.get(groupId) ?? openGroup(groupId);
      groups.set(groupId, group);
      return resources.adopt(new EmbeddedConsumer({ group, writer, logger }), (it) => it.close());
    },
    lagReader(groupId: string): LagReader {
      return embeddedLagReader({ groupId, partitions, reader, writer, group: () => groups.get(groupId) });
    },
    close(): Promise<void> {
      closed ??= resources.disposeAsync();
      return closed;
    },
  };
}
