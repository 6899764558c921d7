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
export function encodedBytes({ key, value, headers }: NewRecord): number {
  let bytes = RECORD_OVERHEAD + key.length + value.length + HEADER_OVERHEAD * headers.length;
  for (const [name, headerValue] of headers) bytes += headerNameBytes(name).length + headerValue.length;
  return bytes;
}

/** Bytes of key, value and headers, which is what the limit of a record counts. */
export function contentBytes(record: NewRecord, encoded: number): number {
  return encoded - RECORD_OVERHEAD - HEADER_OVERHEAD * record.headers.length;
}

/** Writes a record at `at`, where there must be `encodedBytes(record)` of room; returns the position after it. */
export function encodeRecord({ key, value, headers }: NewRecord, target: Buffer, at: number): number {
  let next = at + RECORD_OVERHEAD;
  // `set` and not `copy`, which checks its arguments for longer than a key takes to copy.
  target.set(key, next);
  next += key.length;
  target.set(value, next);
  next += value.length;
  const headersAt = next;
  for (const [name, headerValue] of headers) {
    const nameBytes = headerNameBytes(name);
    target.writeUInt32LE(nameBytes.length, next);
    target.writeUInt32LE(headerValue.length, next + 4);
    next += HEADER_OVERHEAD;
    target.set(nameBytes, next);
    next += nameBytes.length;
    target.set(headerValue, next);
    next += headerValue.length;
  }
  target.writeUInt32LE(key.length, at);
  target.writeUInt32LE(value.length, at + 4);
  target.writeUInt32LE(next - headersAt, at + 8);
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
