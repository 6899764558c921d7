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

const HASH_BYTES = 10;

/**
 * The 16 bytes of the event's id: a UUIDv8 of Unix milliseconds and a hash, as docs/identity.md specifies. The same parts
 * give the same id wherever they are computed, which is all that keeps an event from being stored twice. Pure.
 */
export function computeEventId(parts: IdentityParts): Buffer {
  const time = String(parts.timestampMicros);
  const input =
    parts.eventId === undefined
      ? hashInput(['kero-event-v1', 'natural', parts.source, parts.userId, parts.eventType, time])
      : hashInput(['kero-event-v1', 'event_id', parts.source, parts.eventId, time]);
  const id = Buffer.allocUnsafe(16);
  id.writeUIntBE(Math.floor(parts.timestampMicros / 1_000), 0, 6);
  id.write(hash('sha256', input, 'hex'), 6, HASH_BYTES, 'hex');
  id.writeUInt8((id.readUInt8(6) & 0x0f) | 0x80, 6);
  id.writeUInt8((id.readUInt8(8) & 0x3f) | 0x80, 8);
  return id;
}

/** The usual text of a UUID, in lower case: `0199be1d-1100-8548-b29d-d65d5192914d`. `bytes` are 16. */
export function formatUuid(bytes: Buffer): string {
  const hex = bytes.toString('hex', 0, 16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Each part with its length before it: no two lists of parts share their bytes. */
function hashInput(parts: readonly string[]): Buffer {
  let room = 0;
  for (const part of parts) room += 4 + part.length * 3;
  const input = Buffer.allocUnsafe(room);
  let at = 0;
  for (const part of parts) {
    const length = input.write(part, at + 4, 'utf8');
    input.writeUInt32BE(length, at);
    at += 4 + length;
  }
  return input.subarray(0, at);
}
