import { createHash } from 'node:crypto';
import type { ContentLine } from '../ledger-format.ts';
import { canonicalMembers } from './exact-json.ts';

/** What the row of a content must look like, worked out from the text that was sent and from docs/identity.md alone. */
export interface ExpectedEvent {
  readonly id: string;
  readonly userId: string;
  readonly eventType: string;
  readonly micros: string;
  /** In canonical form. */
  readonly eventData: string;
  readonly source: string;
  readonly eventId: string | null;
}

export function expectedEvent(content: ContentLine): ExpectedEvent {
  const members = canonicalMembers(content.body);
  const text = (name: string) => {
    const value = members.get(name);
    return value === undefined ? undefined : (JSON.parse(value) as string);
  };
  const event = {
    userId: text('user_id') ?? '',
    eventType: text('event_type') ?? '',
    micros: content.micros ?? '',
    eventData: members.get('event_data') ?? '',
    source: text('source') ?? 'default',
    eventId: text('event_id') ?? null,
  };
  return { ...event, id: eventIdentity(event) };
}

/** docs/identity.md: milliseconds of the instant, then SHA-256 over length-prefixed parts, as UUIDv8. */
export function eventIdentity(event: Omit<ExpectedEvent, 'id' | 'eventData'>): string {
  const parts =
    event.eventId === null
      ? ['kero-event-v1', 'natural', event.source, event.userId, event.eventType, event.micros]
      : ['kero-event-v1', 'event_id', event.source, event.eventId, event.micros];
  const hash = createHash('sha256');
  for (const part of parts) {
    const bytes = Buffer.from(part);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    hash.update(length).update(bytes);
  }
  const id = Buffer.alloc(16);
  id.writeUIntBE(Number(BigInt(event.micros) / 1000n), 0, 6);
  hash.digest().copy(id, 6, 0, 10);
  id[6] = ((id[6] ?? 0) & 0x0f) | 0x80;
  id[8] = ((id[8] ?? 0) & 0x3f) | 0x80;
  return id.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
