import { headerBytes, headerCount } from '../header-bytes.ts';
import { headerName, headerNameBytes } from '../header-names.ts';
import type { LogRecord, NewRecord, RecordHeader } from '../messaging.ts';

/*
 * A chunk is a run of records of one partition, one after the other. A record is, with lengths as 32-bit little-endian:
 *
 *   key length | value length | length of all headers | key | value | headers: (name length | value length | name | value)*
 *
 * Offsets are not in it: record n of a chunk has the chunk's base offset + n.
 */

const RECORD_OVERHEAD = 12;
const HEADER_OVERHEAD = 8;

/** The room that a record takes in a chunk. */
export function encodedBytes(record: NewRecord): number {
  const content = record.key.length + record.value.length + headerBytes(record);
  return RECORD_OVERHEAD + HEADER_OVERHEAD * headerCount(record) + content;
}

/** Bytes of key, value and headers, which is what the limit of a record counts. */
export function contentBytes(record: NewRecord, encoded: number): number {
  return encoded - RECORD_OVERHEAD - HEADER_OVERHEAD * headerCount(record);
}

/** Writes records one after the other into a buffer, from its beginning. */
export class RecordWriter {
  readonly #target: Buffer;
  #at = 0;
  /** Of the record before, and where they were written. */
  #shared: readonly RecordHeader[] | undefined;
  #sharedStart = 0;
  #sharedEnd = 0;

  constructor(target: Buffer) {
    this.#target = target;
  }

  /** The position after the last record. */
  get at(): number {
    return this.#at;
  }

  /** There must be `encodedBytes(record)` of room left. */
  write({ key, value, headers, sharedHeaders }: NewRecord): void {
    const target = this.#target;
    const start = this.#at;
    // `set` and not `copy`, which checks its arguments for longer than a key takes to copy.
    target.set(key, start + RECORD_OVERHEAD);
    const valueAt = start + RECORD_OVERHEAD + key.length;
    target.set(value, valueAt);
    const headersAt = valueAt + value.length;
    let end = writeHeaders(target, headersAt, headers);
    if (sharedHeaders !== undefined) end = this.#writeShared(end, sharedHeaders);
    target.writeUInt32LE(key.length, start);
    target.writeUInt32LE(value.length, start + 4);
    target.writeUInt32LE(end - headersAt, start + 8);
    this.#at = end;
  }

  #writeShared(at: number, headers: readonly RecordHeader[]): number {
    if (headers === this.#shared) {
      this.#target.copyWithin(at, this.#sharedStart, this.#sharedEnd);
      return at + this.#sharedEnd - this.#sharedStart;
    }
    this.#shared = headers;
    this.#sharedStart = at;
    this.#sharedEnd = writeHeaders(this.#target, at, headers);
    return this.#sharedEnd;
  }
}

/** Returns the position after them. */
function writeHeaders(target: Buffer, at: number, headers: readonly RecordHeader[]): number {
  let next = at;
  for (const [name, value] of headers) {
    const nameBytes = headerNameBytes(name);
    target.writeUInt32LE(nameBytes.length, next);
    target.writeUInt32LE(value.length, next + 4);
    next += HEADER_OVERHEAD;
    target.set(nameBytes, next);
    next += nameBytes.length;
    target.set(value, next);
    next += value.length;
  }
  return next;
}

/** Bytes of the record at `at` (key, value and encoded headers), without decoding it. */
export function sizeAt(source: Buffer, at: number): number {
  return source.readUInt32LE(at) + source.readUInt32LE(at + 4) + source.readUInt32LE(at + 8);
}

/** The position after the record at `at`. */
export function skipRecord(source: Buffer, at: number): number {
  return at + RECORD_OVERHEAD + sizeAt(source, at);
}

/** The record at `at`. Its buffers are views of the chunk. */
export function decodeRecord(source: Buffer, at: number, offset: number, timestampMs: number): LogRecord {
  return new ChunkRecord(source, at, offset, timestampMs);
}

/** Makes key and headers anew each time it is asked for them, as those of Kafka do (record-run.ts): most are never asked twice. */
class ChunkRecord implements LogRecord {
  readonly offset: bigint;
  readonly timestampMs: number;
  readonly value: Buffer;
  readonly #source: Buffer;
  readonly #at: number;

  constructor(source: Buffer, at: number, offset: number, timestampMs: number) {
    this.offset = BigInt(offset);
    this.timestampMs = timestampMs;
    this.#source = source;
    this.#at = at;
    const valueAt = at + RECORD_OVERHEAD + source.readUInt32LE(at);
    this.value = source.subarray(valueAt, valueAt + source.readUInt32LE(at + 4));
  }

  get key(): Buffer {
    const keyAt = this.#at + RECORD_OVERHEAD;
    return this.#source.subarray(keyAt, keyAt + this.#source.readUInt32LE(this.#at));
  }

  get headers(): readonly RecordHeader[] {
    const source = this.#source;
    const at = this.#at;
    const headersAt = at + RECORD_OVERHEAD + source.readUInt32LE(at) + source.readUInt32LE(at + 4);
    const end = headersAt + source.readUInt32LE(at + 8);
    const headers: RecordHeader[] = [];
    for (let next = headersAt; next < end; ) {
      const nameAt = next + HEADER_OVERHEAD;
      const headerValueAt = nameAt + source.readUInt32LE(next);
      const headerEnd = headerValueAt + source.readUInt32LE(next + 4);
      headers.push([headerName(source, nameAt, headerValueAt), source.subarray(headerValueAt, headerEnd)]);
      next = headerEnd;
    }
    return headers;
  }
}
