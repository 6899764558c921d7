import type { RecordBatch } from '../messaging.ts';
import type { PartitionCursor } from './partition-cursor.ts';

export interface LeaseOptions {
  readonly logId: string;
  readonly partition: number;
  readonly cursor: PartitionCursor;
  /** The end of what the writer has told of; cheap, and a little behind the file while it writes. */
  readonly writtenEnd: () => number;
  /** The end of what is in the file. */
  readonly fileEnd: () => number;
  /** Called with the offset that a batch claims as finished; never after the lease was revoked. */
  readonly onCommit: (nextOffset: number) => void;
  /** Called when a batch is over, so that the next can be read. */
  readonly onBatchOver: () => void;
  /** Called once, when the records that come next turn out to be gone. */
  readonly onStopped: (reason: string) => void;
}

/**
 * One member's hold on one partition, from its assignment to its revocation. Has at most one open batch.
 *
 * free --nextBatch()--> batch open --commit()--> free        any of them --revoke()--> revoked, for good
 *   |--records are gone--> stopped: nothing is read of it until a person has looked
 */
export class PartitionLease {
  readonly partition: number;
  readonly #options: LeaseOptions;
  readonly #revocation = new AbortController();
  /** Where the open batch begins. */
  #openFrom: number | undefined;
  #stopped: string | undefined;

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.partition = options.partition;
  }

  /** Why nothing more is read of the partition; undefined while all is well. */
  get stopped(): string | undefined {
    return this.#stopped;
  }

  /** The offset after the last batch that is over. */
  get finished(): number {
    return this.#openFrom ?? this.#options.cursor.nextOffset;
  }

  /** The next batch, unless there is nothing to read, one is still open, or the lease is over. Throws what SQLite throws. */
  nextBatch(maxRecords: number, maxBytes: number): RecordBatch | undefined {
    const { logId, partition, cursor } = this.#options;
    if (this.#openFrom !== undefined || this.revoked || this.#stopped !== undefined) return undefined;
    const from = cursor.nextOffset;
    const end = this.#options.writtenEnd();
    if (from > end) {
      // Mostly the writer has not told yet of what was read already.
      const fileEnd = this.#options.fileEnd();
      return from <= fileEnd
        ? undefined
        : this.#stop(`offset ${from} is to be read next, but the log ends at ${fileEnd}`);
    }
    if (from === end) return undefined;
    const records = cursor.read(maxRecords, maxBytes);
    const first = records[0];
    if (!first) return this.#stop(`the offsets from ${from} to the end of the log at ${end} are gone`);
    if (first.offset !== BigInt(from)) return this.#stop(`the offsets from ${from} up to ${first.offset} are gone`);
    const nextOffset = cursor.nextOffset;
    this.#openFrom = from;
    let over = false;
    const commit = (upTo?: bigint) => {
      if (over || this.revoked) return;
      over = true;
      this.#openFrom = undefined;
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

  // Never a jump over what is gone: somebody has accepted it.
  #stop(reason: string): undefined {
    this.#stopped = `partition ${this.partition} of the embedded log stands still: ${reason}`;
    this.#options.onStopped(this.#stopped);
    return undefined;
  }
}
