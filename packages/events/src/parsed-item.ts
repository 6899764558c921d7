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
