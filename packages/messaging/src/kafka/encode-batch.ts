import { headerNameBytes } from '../header-names.ts';
import type { NewRecord, RecordHeader } from '../messaging.ts';
import {
  ATTRIBUTES_AT,
  CRC_AT,
  FIRST_OFFSET_AT,
  FIRST_TIMESTAMP_AT,
  FORMAT,
  FORMAT_AT,
  LAST_OFFSET_DELTA_AT,
  LEADER_EPOCH_AT,
  LENGTH_AT,
  MAX_TIMESTAMP_AT,
  PRODUCER_EPOCH_AT,
  PRODUCER_ID_AT,
  RECORD_COUNT_AT,
  RECORDS_AT,
  SEQUENCE_AT,
} from './batch-format.ts';
import { crc32c } from './crc32c.ts';

/** Who sends, as the broker has named it, and the number of the batch's first record in that sender's sequence for the partition. */
export interface BatchSender {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly sequence: number;
}

/** How the records of a batch are compressed; undefined: not at all. */
export interface BatchCompression {
  /** Its number in the attributes of a batch. */
  readonly bitmask: number;
  readonly compress: (records: Buffer) => Buffer | Promise<Buffer>;
}

const NO_LEADER_EPOCH = -1;

/**
 * Writes records as one Kafka record batch (format 2), all with the same time of creation (Unix milliseconds). Written here and not by
 * the client, because it is the most expensive thing that is done for each record of a receiver (decision 0020).
 */
export async function encodeBatch(
  records: readonly NewRecord[],
  sender: BatchSender,
  timestampMs: number,
  compression?: BatchCompression,
): Promise<Buffer> {
  const batch = Buffer.allocUnsafe(RECORDS_AT + measure(records));
  writeRecords(batch, records);
  if (!compression) return finish(batch, records.length, sender, timestampMs, 0);
  const compressed = await compression.compress(batch.subarray(RECORDS_AT));
  const small = Buffer.allocUnsafe(RECORDS_AT + compressed.length);
  small.set(compressed, RECORDS_AT);
  return finish(small, records.length, sender, timestampMs, compression.bitmask);
}

function finish(batch: Buffer, count: number, sender: BatchSender, timestampMs: number, attributes: number): Buffer {
  const timestamp = BigInt(timestampMs);
  // The broker gives the offset.
  batch.fill(0, FIRST_OFFSET_AT, LENGTH_AT);
  batch.writeInt32BE(batch.length - LEADER_EPOCH_AT, LENGTH_AT);
  batch.writeInt32BE(NO_LEADER_EPOCH, LEADER_EPOCH_AT);
  batch.writeInt8(FORMAT, FORMAT_AT);
  batch.writeInt16BE(attributes, ATTRIBUTES_AT);
  batch.writeInt32BE(count - 1, LAST_OFFSET_DELTA_AT);
  batch.writeBigInt64BE(timestamp, FIRST_TIMESTAMP_AT);
  batch.writeBigInt64BE(timestamp, MAX_TIMESTAMP_AT);
  batch.writeBigInt64BE(sender.producerId, PRODUCER_ID_AT);
  batch.writeInt16BE(sender.producerEpoch, PRODUCER_EPOCH_AT);
  batch.writeInt32BE(sender.sequence, SEQUENCE_AT);
  batch.writeInt32BE(count, RECORD_COUNT_AT);
  batch.writeUInt32BE(crc32c(batch.subarray(ATTRIBUTES_AT)), CRC_AT);
  return batch;
}

/** Of the records that were measured last: they are written right after that. */
let lengths = new Uint32Array(4096);

const NO_HEADERS: readonly RecordHeader[] = [];

/** How many bytes the records take. */
function measure(records: readonly NewRecord[]): number {
  if (lengths.length < records.length) lengths = new Uint32Array(records.length);
  let total = 0;
  let shared = NO_HEADERS;
  let sharedLength = 0;
  for (let index = 0; index < records.length; index++) {
    const { key, value, headers, sharedHeaders = NO_HEADERS } = records[index] as NewRecord;
    if (sharedHeaders !== shared) {
      shared = sharedHeaders;
      sharedLength = headersLength(shared);
    }
    // Without its own length in front. One byte of attributes, and one for the time, which is that of the batch.
    let length = 2 + varintLength(index) + bytesLength(key) + bytesLength(value);
    length += varintLength(headers.length + shared.length) + headersLength(headers) + sharedLength;
    lengths[index] = length;
    total += varintLength(length) + length;
  }
  return total;
}

function headersLength(headers: readonly RecordHeader[]): number {
  let length = 0;
  for (const [name, content] of headers) length += bytesLength(headerNameBytes(name)) + bytesLength(content);
  return length;
}

function bytesLength(bytes: Buffer): number {
  return varintLength(bytes.length) + bytes.length;
}

function writeRecords(into: Buffer, records: readonly NewRecord[]): void {
  let at = RECORDS_AT;
  // Where the batch has the shared headers of the record before already: they are copied from there.
  let shared = NO_HEADERS;
  let sharedAt = at;
  let sharedEnd = at;
  for (let index = 0; index < records.length; index++) {
    const { key, value, headers, sharedHeaders = NO_HEADERS } = records[index] as NewRecord;
    at = writeVarint(into, at, lengths[index] as number);
    into[at++] = 0;
    into[at++] = 0;
    at = writeVarint(into, at, index);
    at = writeBytes(into, at, key);
    at = writeBytes(into, at, value);
    at = writeVarint(into, at, headers.length + sharedHeaders.length);
    at = writeHeaders(into, at, headers);
    if (sharedHeaders === shared) {
      into.copyWithin(at, sharedAt, sharedEnd);
      at += sharedEnd - sharedAt;
    } else {
      shared = sharedHeaders;
      sharedAt = at;
      at = writeHeaders(into, at, shared);
      sharedEnd = at;
    }
  }
}

function writeHeaders(into: Buffer, start: number, headers: readonly RecordHeader[]): number {
  let at = start;
  for (const [name, content] of headers) {
    at = writeBytes(into, at, headerNameBytes(name));
    at = writeBytes(into, at, content);
  }
  return at;
}

/** Up to here a loop is faster than the call of `set`. */
const SHORT_BYTES = 12;

function writeBytes(into: Buffer, start: number, bytes: Buffer): number {
  const at = writeVarint(into, start, bytes.length);
  if (bytes.length > SHORT_BYTES) into.set(bytes, at);
  else for (let index = 0; index < bytes.length; index++) into[at + index] = bytes[index] as number;
  return at + bytes.length;
}

/** Kafka's varint of a number that is not negative, below 2^31: zigzag, 7 bits a byte, the lowest first. */
function writeVarint(into: Buffer, start: number, value: number): number {
  let at = start;
  let rest = (value * 2) >>> 0;
  for (; rest > 127; rest >>>= 7) into[at++] = (rest & 127) | 128;
  into[at++] = rest;
  return at;
}

function varintLength(value: number): number {
  let length = 1;
  for (let limit = 64; value >= limit; limit *= 128) length++;
  return length;
}
