import type { LogRecord } from '../messaging.ts';
import type { Decoded, ReadRecord } from './decode-fetch.ts';

/**
 * One assigned partition during one epoch. Offsets only go up, in this order:
 *
 *   committed <= finished <= handed out <= position (the next to fetch)
 *
 * Between `handed out` and `position` lie the records that are buffered here. A batch is open from take() to finish(), and
 * only one at a time. `finished` is what may be committed, which may leave out the end of a batch that `worked` includes. A stopped partition fetches no more: what it would read next is gone from the log.
 */
export class PartitionReader {
  readonly partition: number;
  readonly #bufferLimit: number;
  #committed: bigint;
  #finished: bigint;
  #handedOut: bigint;
  #worked: bigint;
  #position: bigint;
  #buffer: ReadRecord[] = [];
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

  deliver({ records, next }: Decoded): void {
    for (const record of records) {
      this.#buffer.push(record);
      this.#bufferedBytes += record.bytes;
    }
    this.#position = next;
    this.#passEmptyTail();
  }

  /** The next batch, within the bounds but at least one record; finish() ends it. Only when it is ready. */
  take(maxRecords: number, maxBytes: number): { records: LogRecord[]; nextOffset: bigint } {
    let count = 0;
    let bytes = 0;
    for (const next of this.#buffer) {
      if (count >= maxRecords || (count > 0 && bytes + next.bytes > maxBytes)) break;
      bytes += next.bytes;
      count++;
    }
    const records = this.#buffer.slice(0, count).map(({ record }) => record);
    this.#buffer = this.#buffer.slice(count);
    this.#bufferedBytes -= bytes;
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
