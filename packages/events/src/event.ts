/** An event that keeps every rule of docs/errors.md (section "Problems of an event"). */
export interface Event {
  /** 16 bytes: the UUIDv8 of docs/identity.md. */
  readonly id: Buffer;
  readonly userId: string;
  readonly eventType: string;
  /** When it happened: microseconds since 1970, below 2^53, further digits cut off. */
  readonly timestampMicros: number;
  /** The text of `event_data` exactly as it was written: a slice of the input, UTF-8. Numbers never became doubles. */
  readonly eventData: Buffer;
  readonly eventId: string | undefined;
  readonly source: string;
  /** The label of the schema that `event_data` was checked against; undefined where none was asked. */
  readonly schema: string | undefined;
  /** For whoever only copies the members; undefined where they do not stand in the text as they are (an escape in a name, for one). */
  readonly spans?: MemberSpans | undefined;
}

/** Where members of an event stand in a text, in UTF-8 and without escapes: from the first byte to the one behind the last. */
export interface MemberSpans {
  readonly bytes: Buffer;
  readonly userIdStart: number;
  readonly userIdEnd: number;
  readonly eventTypeStart: number;
  readonly eventTypeEnd: number;
  /** 0 where the event has none. */
  readonly eventIdStart: number;
  readonly eventIdEnd: number;
  readonly dataStart: number;
  readonly dataEnd: number;
  /** Writes the 16 bytes of the event's id into `to`, from `start` on. */
  writeId(to: Buffer, start: number): void;
}

/** One thing that is wrong with an event, for a person and for a program. */
export interface Problem {
  /** JSON Pointer (RFC 6901) to the place in the event; the empty string is the event as a whole. */
  readonly pointer: string;
  /** Stable; a key of problemCodes. */
  readonly code: ProblemCode;
  readonly detail: string;
}

/**
 * `syntax`: not one JSON text in UTF-8 (HTTP 400). `event`: JSON, but not an event (HTTP 422). `schema_not_loaded`: nothing is wrong
 * with it so far, but the schema of its type has to be fetched before anybody can tell; then parse it again.
 */
export type ParseResult =
  | { readonly ok: true; readonly event: Event }
  | { readonly ok: false; readonly kind: 'syntax' | 'event'; readonly problems: readonly Problem[] }
  | {
      readonly ok: false;
      readonly kind: 'schema_not_loaded';
      readonly eventType: string;
      readonly problems: readonly [];
    };

export interface ParseOptions {
  /** The clock that "not in the future" is measured against, in Unix milliseconds. */
  readonly nowMs: number;
  /** How far after nowMs a timestamp may lie (EVENTS_MAX_FUTURE), in milliseconds. */
  readonly maxFutureMs: number;
  /** Oldest age accepted (EVENTS_RETENTION), in milliseconds; undefined accepts every age. */
  readonly retentionMs: number | undefined;
  /** Largest text of one event (EVENTS_MAX_BYTES), in bytes. */
  readonly maxBytes: number;
  /** The source of an event that names none. */
  readonly defaultSource: string;
  /** Undefined where the receiver has checked the schema of the type already. */
  readonly typeSchemas: TypeSchemas | undefined;
}

import type { ProblemCode } from './problem-codes.ts';
import type { TypeSchemas } from './type-schemas.ts';
