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
  readonly #content: RunContent;
  #count: number;

  constructor(options: RunOptions) {
    this.#cursor = new ByteCursor(options.content);
    this.#content = new RunContent(options);
    this.#count = options.count;
    this.#check(options.lastOffsetDelta, Number(options.from - options.firstOffset));
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
    const timeAt = cursor.position;
    cursor.varlong();
    const offsetDelta = cursor.varint();
    const keyAt = cursor.position;
    cursor.skipField();
    const value = cursor.field();
    const headersAt = cursor.position;
    cursor.position = end;
    this.#count--;
    return new RunRecord({ run: this.#content, offsetDelta, timeAt, keyAt, value, headersAt });
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
  readonly run: RunContent;
  readonly offsetDelta: number;
  readonly value: Buffer | null;
  /** Where they begin in the content. */
  readonly timeAt: number;
  readonly keyAt: number;
  readonly headersAt: number;
}

/**
 * A record that makes all but its value anew each time it is asked. Thousands of records are kept until they are stored, and
 * then only dead letters need the most of them again: kept, it would be what the garbage collector mainly has to look after.
 */
class RunRecord implements LogRecord {
  readonly value: Buffer | null;
  readonly #run: RunContent;
  readonly #offsetDelta: number;
  readonly #timeAt: number;
  readonly #keyAt: number;
  readonly #headersAt: number;

  constructor({ run, offsetDelta, timeAt, keyAt, value, headersAt }: RunRecordParts) {
    this.value = value;
    this.#run = run;
    this.#offsetDelta = offsetDelta;
    this.#timeAt = timeAt;
    this.#keyAt = keyAt;
    this.#headersAt = headersAt;
  }

  get offset(): bigint {
    return this.#run.offset(this.#offsetDelta);
  }

  get timestampMs(): number {
    return this.#run.timestampMs(this.#timeAt);
  }

  get key(): Buffer | null {
    return this.#run.field(this.#keyAt);
  }

  get headers(): readonly RecordHeader[] {
    return this.#run.headers(this.#headersAt);
  }
}

/** What the records of a run have in common: the bytes of all, and what their numbers are relative to. */
class RunContent {
  readonly #bytes: Buffer;
  readonly #firstOffset: bigint;
  readonly #firstTimestamp: bigint;
  /** The same; undefined where a number does not hold it. */
  readonly #firstTimestampMs: number | undefined;
  readonly #appendTimestampMs: number | undefined;
  readonly #lastHeaders: KnownHeader[] = [];

  constructor({ content, firstOffset, firstTimestamp, appendTimestamp }: RunOptions) {
    this.#bytes = content;
    this.#firstOffset = firstOffset;
    this.#firstTimestamp = firstTimestamp;
    const firstTimestampMs = Number(firstTimestamp);
    this.#firstTimestampMs = Number.isSafeInteger(firstTimestampMs) ? firstTimestampMs : undefined;
    this.#appendTimestampMs = appendTimestamp === undefined ? undefined : Number(appendTimestamp);
  }

  offset(delta: number): bigint {
    return this.#firstOffset + BigInt(delta);
  }

  timestampMs(position: number): number {
    if (this.#appendTimestampMs !== undefined) return this.#appendTimestampMs;
    const delta = this.#at(position).varlong();
    // The sum of two exact numbers is rounded as a bigint would be.
    if (this.#firstTimestampMs !== undefined && typeof delta === 'number') return this.#firstTimestampMs + delta;
    return Number(this.#firstTimestamp + BigInt(delta));
  }

  field(position: number): Buffer | null {
    return this.#at(position).field();
  }

  /** Where a header is that of the record that was asked before, down to its bytes, it is the same object. */
  headers(position: number): readonly RecordHeader[] {
    const cursor = this.#at(position);
    const headers = new Array<RecordHeader>(cursor.varint());
    for (let n = 0; n < headers.length; n++) headers[n] = this.#header(n, cursor);
    return headers;
  }

  #header(n: number, cursor: ByteCursor): RecordHeader {
    const start = cursor.position;
    const nameLength = Math.max(0, cursor.varint());
    const nameStart = cursor.skip(nameLength);
    const valueAt = cursor.position;
    cursor.skipField();
    this.#lastHeaders[n] ??= new KnownHeader();
    const known = this.#lastHeaders[n];
    if (!this.#isSame(known, start, cursor.position)) {
      known.header = [headerName(this.#bytes, nameStart, valueAt), this.field(valueAt) ?? NO_BYTES];
      known.start = start;
      known.end = cursor.position;
    }
    return known.header;
  }

  #isSame({ start, end }: KnownHeader, otherStart: number, otherEnd: number): boolean {
    const bytes = this.#bytes;
    const length = end - start;
    if (length !== otherEnd - otherStart) return false;
    // The ends differ more often than the beginnings.
    for (let n = length - 1; n >= 0; n--) if (bytes[start + n] !== bytes[otherStart + n]) return false;
    return true;
  }

  #at(position: number): ByteCursor {
    const cursor = new ByteCursor(this.#bytes);
    cursor.position = position;
    return cursor;
  }
}

/** The header that was asked for last at its place. At first one of no bytes, which no header is the same as. */
class KnownHeader {
  header: RecordHeader = ['', NO_BYTES];
  /** Its first byte in the content, and the one behind it. */
  start = 0;
  end = 0;
}
