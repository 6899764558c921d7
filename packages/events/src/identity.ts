import { IdentityInput } from './identity-input.ts';
import type { EventSpans } from './plain/scan-event.ts';

/** What the identity of an event is made of. Nothing else of the event changes its id. */
export interface IdentityParts {
  readonly source: string;
  readonly eventId: string | undefined;
  readonly userId: string;
  readonly eventType: string;
  /** Microseconds since 1970, not negative. */
  readonly timestampMicros: number;
}

/** Of the id of an event. */
export const ID_BYTES = 16;
const HASH_BYTES = 10;

/** What the input of the hash begins with. */
const EVENT_ID_PREFIX = prefixOf('event_id');
const NATURAL_PREFIX = prefixOf('natural');

/** Nothing waits between the first part of an input and its hash. */
const input = new IdentityInput();

/**
 * The 16 bytes of the event's id: a UUIDv8 of Unix milliseconds and a hash, as docs/identity.md specifies. The same parts
 * give the same id wherever they are computed, which is all that keeps an event from being stored twice. Pure.
 */
export function computeEventId(parts: IdentityParts): Buffer {
  const { source, eventId, userId, eventType, timestampMicros } = parts;
  input.clear();
  input.prefix(eventId === undefined ? NATURAL_PREFIX : EVENT_ID_PREFIX);
  input.text(source);
  if (eventId === undefined) {
    input.text(userId);
    input.text(eventType);
  } else input.text(eventId);
  const id = Buffer.allocUnsafe(ID_BYTES);
  writeHashedId(timestampMicros, id);
  return id;
}

/** The same for an event of which only the source need be a text. Writes the id to the beginning of `to`. */
export function writeScannedEventId(to: Buffer, spans: EventSpans, source: string, timestampMicros: number): void {
  const { bytes } = spans;
  input.clear();
  input.prefix(spans.eventIdStart > 0 ? EVENT_ID_PREFIX : NATURAL_PREFIX);
  input.text(source);
  if (spans.eventIdStart > 0) input.slice(bytes, spans.eventIdStart, spans.eventIdEnd);
  else {
    input.slice(bytes, spans.userIdStart, spans.userIdEnd);
    input.slice(bytes, spans.eventTypeStart, spans.eventTypeEnd);
  }
  writeHashedId(timestampMicros, to);
}

/** The id of the parts that were written, and of the time, which is the last one. */
function writeHashedId(timestampMicros: number, id: Buffer): void {
  input.time(timestampMicros);
  const digest = input.digest();
  const millis = Math.floor(timestampMicros / 1_000);
  const high = Math.floor(millis / 0x1_0000_0000);
  id[0] = high >>> 8;
  id[1] = high;
  id[2] = millis / 0x100_0000;
  id[3] = millis >>> 16;
  id[4] = millis >>> 8;
  id[5] = millis;
  for (let index = 0; index < HASH_BYTES; index++) id[6 + index] = digest.charCodeAt(index);
  id[6] = ((id[6] as number) & 0x0f) | 0x80;
  id[8] = ((id[8] as number) & 0x3f) | 0x80;
}

function prefixOf(kind: string): Buffer {
  const parts = new IdentityInput();
  parts.text('kero-event-v1');
  parts.text(kind);
  return parts.toBuffer();
}

/** The usual text of a UUID, in lower case: `0199be1d-1100-8548-b29d-d65d5192914d`. `bytes` are 16. */
export function formatUuid(bytes: Buffer): string {
  return encodeUuid(bytes).toString('latin1');
}

/** The same as the bytes of the text. */
export function encodeUuid(bytes: Buffer): Buffer {
  const text = Buffer.allocUnsafe(UUID_TEXT_BYTES);
  writeUuid(bytes, text, 0);
  return text;
}

/** How many bytes the text of a UUID has. */
export const UUID_TEXT_BYTES = 36;

/** Writes the bytes of the text into `to`, from `start` on. */
export function writeUuid(bytes: Buffer, to: Buffer, start: number): void {
  let at = start;
  for (let index = 0; index < ID_BYTES; index++) {
    if (index === 4 || index === 6 || index === 8 || index === 10) to[at++] = HYPHEN;
    const byte = bytes[index] as number;
    to[at++] = HEX_DIGITS[byte >> 4] as number;
    to[at++] = HEX_DIGITS[byte & 0x0f] as number;
  }
}

const HYPHEN = 0x2d;
const HEX_DIGITS = Buffer.from('0123456789abcdef');
