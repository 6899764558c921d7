import type { RecordBatch } from '../messaging.ts';
import type { PartitionCursor } from './partition-cursor.ts';

export interface LeaseOptions {
  readonly logId: string;
  readonly partition: number;
  readonly cursor: PartitionCursor;
  /** Whether there is something at or after the offset. */
  readonly hasRecordAt: (offset: number) => boolean;
  /** Called with the offset that a batch claims as finished; never after the lease was revoked. */
  readonly onCommit: (nextOffset: number) => void;
  /** Called when a batch is over, so that the next can be read. */
  readonly onBatchOver: () => void;
}

/**
 * One member's hold on one partition, from its assignment to its revocation. Has at most one open batch.
 *
 * free --nextBatch()--> batch open --commit()--> free        either of them --revoke()--> revoked, for good
 */
export class PartitionLease {
  readonly partition: number;
  readonly #options: LeaseOptions;
  readonly #revocation = new AbortController();
  #batchOpen = false;

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.partition = options.partition;
  }

  /** The next batch, unless there is nothing to read, one is still open, or the lease is over. Throws what SQLite throws. */
  nextBatch(maxRecords: number, maxBytes: number): RecordBatch | undefined {
    const { logId, partition, cursor, hasRecordAt } = this.#options;
    if (this.#batchOpen || this.revoked || !hasRecordAt(cursor.nextOffset)) return undefined;
    const records = cursor.read(maxRecords, maxBytes);
    if (records.length === 0) return undefined;
    const nextOffset = cursor.nextOffset;
    this.#batchOpen = true;
    let over = false;
    const commit = (upTo?: bigint) => {
      if (over || this.revoked) return;
      over = true;
      this.#batchOpen = false;
      const claimed = upTo === undefined ? nextOffset : Number(upTo);
      this.#options.onCommit(Math.min(claimed, nextOffset));
      this.#options.onBatchOver();
    };
    return { logId, partition, records, nextOffset: BigInt(nextOffset), revoked: this.#revocation.signal, commit };
  }

  get revoked(): boolean {
    return this.#revocation.signal.aborted;
  }

  revoke(): void {
    this.#revocation.abort();
  }
}
