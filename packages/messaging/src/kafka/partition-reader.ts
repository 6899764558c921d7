import type { LogRecord } from '../messaging.ts';
import type { Decoded } from './decode-fetch.ts';
import type { WaitingRecords } from './record-run.ts';

/** What a run takes besides the bytes of its records. */
const RUN_BYTES = 512;

/**
 * One assigned partition during one epoch. Offsets only go up, in this order:
 *
 *   committed <= finished <= handed out <= position (the next to fetch)
 *
 * Between `handed out` and `position` lie the records that are buffered here. A batch is open from take() to finish(), and
 * only one at a time. `finished` is what may be committed, which may leave out the end of a batch that `worked` includes. A
 * stopped partition fetches no more: what it would read next is gone from the log.
 */
export class PartitionReader {
  readonly partition: number;
  readonly #bufferLimit: number;
  #committed: bigint;
  #finished: bigint;
  #handedOut: bigint;
  #worked: bigint;
  #position: bigint;
  #buffer: WaitingRecords[] = [];
  #bufferedBytes = 0;
  #open = false;
  #stopped: string | undefined;

  constructor(partition: number, start: bigint, bufferLimit: number) {
    this.partition = partition;
    this.#bufferLimit = bufferLimit;
    this.#committed = start;
    this.#finished = start;
    this.#handedOut = start;
    this.#worked = start;
    this.#position = start;
  }

  get position(): bigint {
    return this.#position;
  }

  /** Whether to fetch more; no while enough is buffered, which is how a slow processor slows the reading. */
  get isWanting(): boolean {
    return this.#stopped === undefined && this.#bufferedBytes < this.#bufferLimit;
  }

  get stopped(): string | undefined {
    return this.#stopped;
  }

  /** The offset after the last batch that is over, whether it may be committed or not. */
  get worked(): bigint {
    return this.#worked;
  }

  get isReady(): boolean {
    return !this.#open && this.#buffer.length > 0;
  }

  stop(reason: string): void {
    this.#stopped = reason;
  }

  deliver({ runs, next }: Decoded): void {
    for (const run of runs) {
      this.#buffer.push(run);
      this.#bufferedBytes += run.bytes + RUN_BYTES;
    }
    this.#position = next;
    this.#passEmptyTail();
  }

  /**
   * The next batch, within the bounds but at least one record; finish() ends it. Only when it is ready. What several fetches
   * brought goes into one batch.
   */
  take(maxRecords: number, maxBytes: number): { records: LogRecord[]; nextOffset: bigint } {
    const records: LogRecord[] = [];
    let bytes = 0;
    let emptied = 0;
    for (const run of this.#buffer) {
      while (run.count > 0 && records.length < maxRecords) {
        const size = run.nextBytes;
        if (records.length > 0 && bytes + size > maxBytes) break;
        bytes += size;
        records.push(run.take());
      }
      if (run.count > 0) break;
      emptied++;
    }
    this.#buffer = this.#buffer.slice(emptied);
    this.#bufferedBytes -= bytes + emptied * RUN_BYTES;
    this.#open = true;
    this.#handedOut = (records.at(-1)?.offset ?? this.#handedOut) + 1n;
    return { records, nextOffset: this.#handedOut };
  }

  /** Ends the open batch: every record below `upTo` is finished. */
  finish(upTo: bigint): void {
    this.#open = false;
    this.#worked = this.#handedOut;
    const claimed = upTo < this.#handedOut ? upTo : this.#handedOut;
    if (claimed > this.#finished) this.#finished = claimed;
    this.#passEmptyTail();
  }

  /** The offset to commit, when it moved. */
  get claim(): bigint | undefined {
    return this.#finished > this.#committed ? this.#finished : undefined;
  }

  confirmCommit(offset: bigint): void {
    if (offset > this.#committed) this.#committed = offset;
  }

  /** With all records finished, control batches at the end of the log are finished too: the lag comes down to 0. */
  #passEmptyTail(): void {
    if (this.#open || this.#buffer.length > 0) return;
    this.#worked = this.#position;
    if (this.#finished < this.#handedOut) return;
    this.#handedOut = this.#position;
    this.#finished = this.#position;
  }
}
