import { headerName } from '../header-names.ts';
import type { LogRecord, RecordHeader } from '../messaging.ts';
import { ByteCursor, DataError } from './byte-cursor.ts';

const NO_BYTES = Buffer.alloc(0);

/** Records that wait to be handed out, in order. */
export interface WaitingRecords {
  /** How many are left. */
  readonly count: number;
  /** What those that are left take in memory, and the next one alone. */
  readonly bytes: number;
  readonly nextBytes: number;
  /** Hands out the next one; only while one is left. */
  take(): LogRecord;
}

export interface RunOptions {
  /** Exactly the records of one batch, not compressed. */
  readonly content: Buffer;
  /** Of all records in `content`. */
  readonly count: number;
  readonly firstOffset: bigint;
  readonly lastOffsetDelta: number;
  readonly firstTimestamp: bigint;
  /** The time of all records where the log sets it; otherwise each has its own, relative to the first. */
  readonly appendTimestamp: bigint | undefined;
  /** Those below it are left out. */
  readonly from: bigint;
}

/**
 * The records of one batch, as the bytes that the broker sent. They become objects only when they are handed out: an object
 * takes several times the memory of its bytes, and what waits is most of what there is. So all is checked beforehand:
 * the constructor throws DataError when anything in the batch makes no sense, and take() cannot fail.
 *
 * What is handed out are views of the content.
 */
export class RecordRun implements WaitingRecords {
  readonly #cursor: ByteCursor;
  readonly #firstOffset: bigint;
  readonly #firstTimestamp: bigint;
  /** The same; undefined where a number does not hold it. */
  readonly #firstTimestampMs: number | undefined;
  readonly #appendTimestampMs: number | undefined;
  #count: number;

  constructor({ content, count, firstOffset, lastOffsetDelta, firstTimestamp, appendTimestamp, from }: RunOptions) {
    this.#cursor = new ByteCursor(content);
    this.#firstOffset = firstOffset;
    this.#firstTimestamp = firstTimestamp;
    const firstTimestampMs = Number(firstTimestamp);
    this.#firstTimestampMs = Number.isSafeInteger(firstTimestampMs) ? firstTimestampMs : undefined;
    this.#appendTimestampMs = appendTimestamp === undefined ? undefined : Number(appendTimestamp);
    this.#count = count;
    this.#check(lastOffsetDelta, Number(from - firstOffset));
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#cursor.remaining;
  }

  get nextBytes(): number {
    const cursor = this.#cursor;
    const start = cursor.position;
    const length = cursor.varint();
    const bytes = cursor.position - start + length;
    cursor.position = start;
    return bytes;
  }

  take(): LogRecord {
    const cursor = this.#cursor;
    const length = cursor.varint();
    const end = cursor.position + length;
    cursor.skip(1); // Attributes, of which there are none
    const timestampMs = this.#timestampMs(cursor.varlong());
    const offset = this.#firstOffset + BigInt(cursor.varint());
    const keyAt = cursor.position;
    cursor.skipField();
    const value = cursor.field();
    const headersAt = cursor.position;
    cursor.position = end;
    this.#count--;
    return new RunRecord({ offset, timestampMs, value, content: cursor.buffer, keyAt, headersAt });
  }

  #timestampMs(delta: number | bigint): number {
    if (this.#appendTimestampMs !== undefined) return this.#appendTimestampMs;
    // The sum of two exact numbers is rounded as a bigint would be.
    if (this.#firstTimestampMs !== undefined && typeof delta === 'number') return this.#firstTimestampMs + delta;
    return Number(this.#firstTimestamp + BigInt(delta));
  }

  /** Goes through all records, and stands before the first one that is wanted when it is done. */
  #check(lastOffsetDelta: number, fromDelta: number): void {
    const cursor = this.#cursor;
    const all = this.#count;
    let start = 0;
    let passed = 0;
    let previous = -1;
    for (let n = 0; n < all; n++) {
      const length = cursor.varint();
      const end = cursor.position + length;
      cursor.skip(1);
      cursor.varlong();
      const offsetDelta = cursor.varint();
      if (offsetDelta <= previous || offsetDelta > lastOffsetDelta) {
        throw new DataError(`the offset of record ${n} is out of order`);
      }
      previous = offsetDelta;
      cursor.skipField();
      cursor.skipField();
      const headers = cursor.varint();
      if (headers < 0) throw new DataError(`${headers} headers`);
      for (let h = 0; h < headers; h++) {
        cursor.skipField();
        cursor.skipField();
      }
      if (cursor.position !== end) throw new DataError(`record ${n} is not as long as it says`);
      if (offsetDelta < fromDelta) {
        start = end;
        passed = n + 1;
      }
    }
    if (cursor.remaining > 0) throw new DataError(`${cursor.remaining} bytes follow the last record`);
    cursor.position = start;
    this.#count = all - passed;
  }
}

interface RunRecordParts {
  readonly offset: bigint;
  readonly timestampMs: number;
  readonly value: Buffer | null;
  readonly content: Buffer;
  /** Where they begin in the content. */
  readonly keyAt: number;
  readonly headersAt: number;
}

/**
 * A record that makes its key and headers anew each time it is asked for them. Thousands of records are kept until they are stored, and
 * then only dead letters need them again: kept, they would be most of what the garbage collector has to look after.
 */
class RunRecord implements LogRecord {
  readonly offset: bigint;
  readonly timestampMs: number;
  readonly value: Buffer | null;
  readonly #content: Buffer;
  readonly #keyAt: number;
  readonly #headersAt: number;

  constructor({ offset, timestampMs, value, content, keyAt, headersAt }: RunRecordParts) {
    this.offset = offset;
    this.timestampMs = timestampMs;
    this.value = value;
    this.#content = content;
    this.#keyAt = keyAt;
    this.#headersAt = headersAt;
  }

  get key(): Buffer | null {
    return this.#at(this.#keyAt).field();
  }

  get headers(): readonly RecordHeader[] {
    const cursor = this.#at(this.#headersAt);
    const headers = new Array<RecordHeader>(cursor.varint());
    for (let n = 0; n < headers.length; n++) {
      const nameLength = Math.max(0, cursor.varint());
      const nameStart = cursor.skip(nameLength);
      const name = headerName(cursor.buffer, nameStart, cursor.position);
      headers[n] = [name, cursor.field() ?? NO_BYTES];
    }
    return headers;
  }

  #at(position: number): ByteCursor {
    const cursor = new ByteCursor(this.#content);
    cursor.position = position;
    return cursor;
  }
}
