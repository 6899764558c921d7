import type { ReadOptions, ReadPosition, RecordBatch } from '../messaging.ts';
import type { Generation } from './group-offsets.ts';
import { PartitionReader } from './partition-reader.ts';

/**
 * Read ahead of the processor, of all partitions together; and of one of them. That is the next batch while one is written: a
 * fetch takes a few milliseconds. A fetch may bring one more answer's share.
 */
const BUFFER_BYTES = 8 * 1024 * 1024;
const MIN_PARTITION_BUFFER_BYTES = 1024 * 1024;
const MAX_PARTITION_BUFFER_BYTES = 4 * 1024 * 1024;

/**
 * What this member owns between two rebalances. At a rebalance the epoch ends as a whole and the next one begins at the
 * committed offsets, also for partitions that stay: what was read but not committed is read again, nothing is skipped.
 */
export class Epoch {
  readonly generation: Generation;
  /** Kafka's topic id. */
  readonly logId: string;
  readonly readers: ReadonlyMap<number, PartitionReader>;
  readonly #ending = new AbortController();
  #lastPartition = -1;

  constructor(generation: Generation, logId: string, starts: ReadonlyMap<number, bigint>) {
    this.generation = generation;
    this.logId = logId;
    const share = Math.floor(BUFFER_BYTES / Math.max(1, starts.size));
    const limit = Math.max(MIN_PARTITION_BUFFER_BYTES, Math.min(MAX_PARTITION_BUFFER_BYTES, share));
    this.readers = new Map(
      [...starts].map(([partition, start]) => [partition, new PartitionReader(partition, start, limit)]),
    );
  }

  get ended(): boolean {
    return this.#ending.signal.aborted;
  }

  /** Aborts `revoked` of every batch. */
  end(): void {
    this.#ending.abort();
  }

  /** The next batch of a partition that has none open; the partitions take turns. `onFinished` is called at its commit. */
  nextBatch({ maxRecords, maxBytes }: ReadOptions, onFinished: () => void): RecordBatch | undefined {
    const ready = [...this.readers.values()].filter((reader) => reader.isReady);
    ready.sort((a, b) => a.partition - b.partition);
    const reader = ready.find(({ partition }) => partition > this.#lastPartition) ?? ready[0];
    if (!reader) return undefined;
    this.#lastPartition = reader.partition;
    const { records, nextOffset } = reader.take(maxRecords, maxBytes);
    let finished = false;
    return {
      logId: this.logId,
      partition: reader.partition,
      records,
      nextOffset,
      revoked: this.#ending.signal,
      commit: (upTo = nextOffset) => {
        if (finished || this.ended) return;
        finished = true;
        reader.finish(upTo);
        onFinished();
      },
    };
  }

  /** Finished and not yet committed, by partition. */
  claims(): Map<number, bigint> {
    const claims = new Map<number, bigint>();
    for (const { partition, claim } of this.readers.values()) if (claim !== undefined) claims.set(partition, claim);
    return claims;
  }

  confirm(committed: ReadonlyMap<number, bigint>): void {
    for (const [partition, offset] of committed) this.readers.get(partition)?.confirmCommit(offset);
  }

  positions(): ReadPosition[] {
    return [...this.readers.values()].map(({ partition, worked, stopped }) => ({
      partition,
      finished: worked,
      stopped,
    }));
  }

  /** Why partitions stand still for good, if any does. */
  stoppedReason(): string | undefined {
    for (const { stopped } of this.readers.values()) if (stopped) return stopped;
    return undefined;
  }
}
