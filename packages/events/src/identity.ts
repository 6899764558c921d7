import { hash } from 'node:crypto';

/** What the identity of an event is made of. Nothing else of the event changes its id. */
export interface IdentityParts {
  readonly source: string;
  readonly eventId: string | undefined;
  readonly userId: string;
  readonly eventType: string;
  /** Microseconds since 1970, not negative. */
  readonly timestampMicros: number;
}

const ID_BYTES = 16;
const HASH_BYTES = 10;

/** What the input of the hash begins with. */
const EVENT_ID_PREFIX = hashInput(Buffer.alloc(0), ['kero-event-v1', 'event_id']);
const NATURAL_PREFIX = hashInput(Buffer.alloc(0), ['kero-event-v1', 'natural']);

/**
 * The 16 bytes of the event's id: a UUIDv8 of Unix milliseconds and a hash, as docs/identity.md specifies. The same parts
 * give the same id wherever they are computed, which is all that keeps an event from being stored twice. Pure.
 */
export function computeEventId(parts: IdentityParts): Buffer {
  const { source, eventId, userId, eventType, timestampMicros } = parts;
  const time = String(timestampMicros);
  const input =
    eventId === undefined
      ? hashInput(NATURAL_PREFIX, [source, userId, eventType, time])
      : hashInput(EVENT_ID_PREFIX, [source, eventId, time]);
  // One character a byte: other encodings cost more, and most of all a buffer.
  const digest = hash('sha256', input, 'binary');
  const id = Buffer.allocUnsafe(ID_BYTES);
  id.writeUIntBE(Math.floor(timestampMicros / 1_000), 0, 6);
  for (let index = 0; index < HASH_BYTES; index++) id[6 + index] = digest.charCodeAt(index);
  id[6] = ((id[6] as number) & 0x0f) | 0x80;
  id[8] = ((id[8] as number) & 0x3f) | 0x80;
  return id;
}

/** The usual text of a UUID, in lower case: `0199be1d-1100-8548-b29d-d65d5192914d`. `bytes` are 16. */
export function formatUuid(bytes: Buffer): string {
  return encodeUuid(bytes).toString('latin1');
}

/** The same as the bytes of the text. */
export function encodeUuid(bytes: Buffer): Buffer {
  const text = Buffer.allocUnsafe(36);
  let at = 0;
  for (let index = 0; index < ID_BYTES; index++) {
    if (index === 4 || index === 6 || index === 8 || index === 10) text[at++] = HYPHEN;
    const byte = bytes[index] as number;
    text[at++] = HEX_DIGITS[byte >> 4] as number;
    text[at++] = HEX_DIGITS[byte & 0x0f] as number;
  }
  return text;
}

const HYPHEN = 0x2d;
const HEX_DIGITS = Buffer.from('0123456789abcdef');

/** Each part with its length before it: no two lists of parts share their bytes. */
function hashInput(prefix: Buffer, parts: readonly string[]): Buffer {
  let size = prefix.length;
  for (const part of parts) size += 4 + part.length;
  const input = Buffer.allocUnsafe(size);
  for (let index = 0; index < prefix.length; index++) input[index] = prefix[index] as number;
  let at = prefix.length;
  for (const part of parts) {
    const { length } = part;
    input.writeUInt32BE(length, at);
    at += 4;
    for (let index = 0; index < length; index++) {
      const code = part.charCodeAt(index);
      // The sizes are wrong then: it has more bytes than characters.
      if (code > 0x7f) return wideHashInput(prefix, parts);
      input[at++] = code;
    }
  }
  return input;
}

function wideHashInput(prefix: Buffer, parts: readonly string[]): Buffer {
  const pieces = [prefix];
  for (const part of parts) {
    const text = Buffer.from(part);
    const length = Buffer.allocUnsafe(4);
    length.writeUInt32BE(text.length);
    pieces.push(length, text);
  }
  return Buffer.concat(pieces);
}
