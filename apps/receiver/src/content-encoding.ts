import type { IncomingHttpHeaders } from 'node:http';
import type { Refusal } from './http-problems.ts';

/** How the bytes of a body were compressed. */
export type Compression = 'gzip' | 'br' | 'zstd';

const COMPRESSIONS: ReadonlyMap<string, Compression> = new Map([
  ['gzip', 'gzip'],
  ['x-gzip', 'gzip'],
  ['br', 'br'],
  ['zstd', 'zstd'],
]);

export const SUPPORTED_ENCODINGS = 'gzip, br, zstd, identity';

/** What Content-Encoding says; undefined for a body that is not compressed. */
export function compressionOf(headers: IncomingHttpHeaders): Compression | undefined | Refusal {
  const header = headers['content-encoding'];
  if (header === undefined) return undefined;
  const name = header.trim().toLowerCase();
  if (name === 'identity') return undefined;
  const compression = COMPRESSIONS.get(name);
  if (compression !== undefined) return compression;
  const what = name.includes(',')
    ? 'A body may be compressed once.'
    : 'The Content-Encoding is none that this version reads.';
  return {
    code: 'unsupported_encoding',
    detail: `${what} Send one of ${SUPPORTED_ENCODINGS}.`,
    headers: ['accept-encoding', SUPPORTED_ENCODINGS],
  };
}
