import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NewRecord } from '../messaging.ts';
import { decodeRecord, encodedBytes, RecordWriter, skipRecord } from './record-encoding.ts';

/*
 * How another process of the same user appends to a log that a running one owns: HTTP on loopback.
 *
 *   POST /v1/append   authorization: Bearer TOKEN   kero-deadline-ms: 5000
 *   the records, one after the other, in the encoding of the log
 *
 *   200 {"failures":[{"index":0,"code":"record_too_large","message":"..."}]}      those that are not named are durable
 *
 * Port and token are in a file that only the owner's user can read; both are new at each start.
 */

export const APPEND_PATH = '/v1/append';
export const DEADLINE_HEADER = 'kero-deadline-ms';
/** Records of one request, in bytes; the client cuts what is more. */
export const MAX_APPEND_BYTES = 16 * 1024 * 1024;

export interface AppendAddress {
  readonly port: number;
  readonly token: string;
}

export interface AppendAnswer {
  readonly failures: readonly { readonly index: number; readonly code: string; readonly message: string }[];
}

export function addressFile(directory: string): string {
  return join(directory, 'append-address.json');
}

/** Undefined: there is no such file, or nothing that makes sense in it. */
export function readAddress(directory: string): AppendAddress | undefined {
  try {
    const { port, token } = JSON.parse(readFileSync(addressFile(directory), 'utf8')) as Partial<AppendAddress>;
    return typeof port === 'number' && typeof token === 'string' ? { port, token } : undefined;
  } catch {
    return undefined;
  }
}

export function encodeRecords(records: readonly NewRecord[]): Buffer {
  const body = Buffer.allocUnsafe(records.reduce((bytes, record) => bytes + encodedBytes(record), 0));
  const writer = new RecordWriter(body);
  for (const record of records) writer.write(record);
  return body;
}

/** Throws RangeError for what is not a sequence of records. */
export function decodeRecords(body: Buffer): NewRecord[] {
  const records: NewRecord[] = [];
  for (let at = 0; at < body.length; ) {
    const end = skipRecord(body, at);
    if (end > body.length) throw new RangeError('the last record is cut off');
    const { key, value, headers } = decodeRecord(body, at, 0, 0);
    if (key === null || value === null) throw new RangeError('a record without key or value');
    records.push({ key, value, headers });
    at = end;
  }
  return records;
}
