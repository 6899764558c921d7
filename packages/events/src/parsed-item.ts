import type { Event, ParseResult } from './event.ts';

/**
 * One item of a request: the event and what of it goes to the log, or why there is none. Every format that events come in ends
 * here, so that nothing behind it knows of formats.
 */
export type ParsedItem = ParsedEvent | (ParseResult & { readonly ok: false });

export interface ParsedEvent {
  readonly ok: true;
  readonly event: Event;
  /** The value of the log record: the JSON text of an event (docs/architecture.md). */
  readonly value: Buffer;
  /** Travel with the record as headers `ce_<name>`; they are not stored in the row. */
  readonly extensions: readonly (readonly [name: string, value: string])[];
}

/** What of an event its log record is made of, and nothing else of it. */
export interface RecordParts {
  readonly ok: true;
  /** 16 bytes: see Event. */
  readonly id: Buffer;
  /** The text of `user_id` in UTF-8; it may be a view of `value`. */
  readonly userId: Buffer;
  readonly source: string;
  readonly schema: string | undefined;
  readonly value: Buffer;
  readonly extensions: ParsedEvent['extensions'];
}

/** The same of an item of a request, or why it is none. */
export type RecordItem = RecordParts | (ParseResult & { readonly ok: false });

export function recordItemOf(item: ParsedItem): RecordItem {
  if (!item.ok) return item;
  const { event, value, extensions } = item;
  const { id, userId, source, schema } = event;
  return { ok: true, id, userId: Buffer.from(userId), source, schema, value, extensions };
}
