import { headerNameBytes } from './header-names.ts';
import type { NewRecord, RecordHeader } from './messaging.ts';

/** Measured last: records one after the other share the same list. */
let shared: readonly RecordHeader[] | undefined;
let sharedBytes = 0;

/** How many bytes the names (in UTF-8) and values of all headers of a record have, without what a format adds to them. */
export function headerBytes({ headers, sharedHeaders }: NewRecord): number {
  const bytes = bytesOf(headers);
  if (sharedHeaders === undefined) return bytes;
  if (sharedHeaders !== shared) {
    shared = sharedHeaders;
    sharedBytes = bytesOf(sharedHeaders);
  }
  return bytes + sharedBytes;
}

/** How many headers a record has. */
export function headerCount({ headers, sharedHeaders }: NewRecord): number {
  return sharedHeaders === undefined ? headers.length : headers.length + sharedHeaders.length;
}

function bytesOf(headers: readonly RecordHeader[]): number {
  let bytes = 0;
  for (const [name, value] of headers) bytes += headerNameBytes(name).length + value.length;
  return bytes;
}
