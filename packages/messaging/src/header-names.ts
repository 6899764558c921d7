const SLOTS = 64;
const MAX_LENGTH = 32;

interface KnownName {
  readonly bytes: Buffer;
  readonly name: string;
}

/** The names that were seen last, by a number that is made of their bytes. */
const known: (KnownName | undefined)[] = Array(SLOTS).fill(undefined);

/**
 * The name of a header, whose bytes are `buffer` from `start` to `end`. Of one writer all records have the same few names: those
 * are remembered, so that not each of them becomes a string of its own.
 */
export function headerName(buffer: Buffer, start: number, end: number): string {
  const length = end - start;
  if (length === 0 || length > MAX_LENGTH) return buffer.toString('utf8', start, end);
  const slot = (length * 7 + (buffer[start] ?? 0) * 3 + (buffer[end - 1] ?? 0)) % SLOTS;
  const candidate = known[slot];
  if (candidate && isSame(candidate.bytes, buffer, start, length)) return candidate.name;
  const name = buffer.toString('utf8', start, end);
  known[slot] = { bytes: Buffer.from(buffer.subarray(start, end)), name };
  return name;
}

function isSame(bytes: Buffer, buffer: Buffer, start: number, length: number): boolean {
  if (bytes.length !== length) return false;
  for (let n = 0; n < length; n++) if (bytes[n] !== buffer[start + n]) return false;
  return true;
}

/** Nearly all records have the same few header names; those of CloudEvents extensions are up to the clients. */
const MAX_ENCODED = 1000;
const encoded = new Map<string, Buffer>();

/** The other way round: the name in UTF-8, made once for all records that have it. Not to be written to. */
export function headerNameBytes(name: string): Buffer {
  let bytes = encoded.get(name);
  if (bytes === undefined) {
    if (encoded.size >= MAX_ENCODED) encoded.clear();
    bytes = Buffer.from(name);
    encoded.set(name, bytes);
  }
  return bytes;
}
