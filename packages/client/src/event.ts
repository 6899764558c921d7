import { KeroClientError } from './errors.ts';
import { type RawJson, UnwritableError, writeJson } from './json-text.ts';
import { randomUuid } from './random-uuid.ts';

/** One event, as it is sent. The receiver checks every rule; see docs/clients.md. */
export interface KeroEvent<Type extends string = string, Data extends object = object> {
  readonly user_id: string;
  readonly event_type: Type;
  /** A JSON object. Money is best a string or {@link rawJson}: a JavaScript number has about 16 digits. */
  readonly event_data: Data | RawJson;
  /** When it happened (RFC 3339 as text). Absent: the moment of the call of `send()`; never a later one, however often it is sent. */
  readonly event_timestamp?: string | Date | undefined;
  /**
   * Your own id of the event, unique within its source. Absent: a random UUID. Identity is this and `event_timestamp` together: give
   * both, or another `send()` of the same thing is another event.
   */
  readonly event_id?: string | undefined;
  /** Absent: the `source` of the client, else that of its API key. */
  readonly source?: string | undefined;
}

/** The events that a map from `event_type` to the type of its `event_data` allows. */
export type EventOf<Types> = {
  [Type in keyof Types & string]: Types[Type] extends object ? KeroEvent<Type, Types[Type]> : never;
}[keyof Types & string];

/** Without a map of types: every `event_type`, and any object as `event_data`. */
export type AnyEventTypes = Record<string, object>;

/** An event with its id and time fixed, and the bytes that are sent however often it is sent. */
export interface PreparedEvent {
  readonly event: KeroEvent & { readonly event_id: string; readonly event_timestamp: string };
  /** The event as JSON, and a line break. */
  readonly line: Uint8Array<ArrayBuffer>;
}

const encoder = new TextEncoder();

/**
 * Fixes the id, the time and the bytes of an event, so that every attempt sends the same content.
 *
 * @throws KeroClientError `invalid_event` when JSON cannot say it.
 */
export function prepareEvent(given: KeroEvent, source: string | undefined, now: Date): PreparedEvent {
  try {
    const event = {
      ...given,
      event_id: given.event_id === undefined ? randomUuid() : given.event_id,
      event_timestamp: timestampOf(given.event_timestamp, now),
      source: given.source === undefined ? source : given.source,
    };
    return { event, line: encoder.encode(`${writeJson(event)}\n`) };
  } catch (error) {
    const message = error instanceof UnwritableError ? error.message : 'the event could not be written as JSON';
    throw new KeroClientError('invalid_event', message, { event: given, cause: error });
  }
}

function timestampOf(given: string | Date | undefined, now: Date): string {
  if (!(given instanceof Date)) return given === undefined ? now.toISOString() : given;
  if (Number.isNaN(given.getTime())) throw new UnwritableError('/event_timestamp', 'is an invalid Date');
  return given.toISOString();
}
