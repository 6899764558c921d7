import type { Event, ParseOptions, ParseResult } from './event.ts';
import { isPlainEvent } from './fast-checks.ts';
import { computeEventId } from './identity.ts';
import { isJsonObject, type JsonObject, type JsonValue, nameOfType } from './json/json-value.ts';
import { type JsonReading, readJson } from './json/read-json.ts';
import { type RecordItem, recordItemOf } from './parsed-item.ts';
import { readPlainEvent, readPlainRecord } from './plain/read-plain-event.ts';
import { EventSpans } from './plain/scan-event.ts';
import { type ProblemList, quote } from './problem-list.ts';
import { compileSchema } from './schema-check.ts';
import { eventSchema } from './schemas.ts';
import { formatTimestamp, parseTimestamp } from './timestamp.ts';
import type { TypeSchema, TypeSchemas } from './type-schemas.ts';

/** What the members of an event are once its schema has been kept. */
interface EventMembers {
  readonly user_id: string;
  readonly event_type: string;
  readonly event_timestamp: string;
  readonly event_data: JsonObject;
  readonly event_id?: string;
  readonly source?: string;
}

// parseTimestamp refuses every text that the pattern of event_timestamp refuses, and says why.
const checkEvent = compileSchema(
  eventSchema,
  (error) => error.instancePath === '/event_timestamp' && error.keyword === 'pattern',
);

/**
 * Reads one event from the bytes of one JSON text, and finds every problem in one go (of an event with more than 100 the first
 * 100). The result shares memory with `bytes`: eventData is a view of them. `spans` is what a scan saw of these bytes, where that is
 * known already. Pure; never throws.
 */
export function parseEvent(bytes: Buffer, options: ParseOptions, spans?: EventSpans): ParseResult {
  if (bytes.length <= options.maxBytes) {
    const seen = spans ?? spansOf(bytes);
    const event = seen && readPlainEvent(seen, options);
    ownSpans.forget();
    if (event) return { ok: true, event };
  }
  return parseAnyEvent(bytes, options);
}

/** The same for whoever passes the event on: what its log record is made of. The record shares memory with `bytes`, too. */
export function parseRecordItem(bytes: Buffer, options: ParseOptions, spans?: EventSpans): RecordItem {
  if (bytes.length <= options.maxBytes) {
    const seen = spans ?? spansOf(bytes);
    const record = seen && readPlainRecord(seen, bytes, options);
    ownSpans.forget();
    if (record) return record;
  }
  const parsed = parseAnyEvent(bytes, options);
  return parsed.ok ? recordItemOf({ ok: true, event: parsed.event, value: bytes, extensions: [] }) : parsed;
}

/** Forgets each text after it was read: the text may be a view of many others, which would stay in memory with it. */
const ownSpans = new EventSpans();

/** Until they are asked for another text. */
function spansOf(bytes: Buffer): EventSpans | undefined {
  return ownSpans.scanText(bytes) ? ownSpans : undefined;
}

/** What parseEvent finds, for an event that need not be plain, at several times the cost: this is what decides. */
export function parseAnyEvent(bytes: Buffer, options: ParseOptions): ParseResult {
  if (bytes.length > options.maxBytes) {
    const detail = `The event has ${bytes.length} bytes; at most ${options.maxBytes} are allowed (EVENTS_MAX_BYTES).`;
    return { ok: false, kind: 'event', problems: [{ pointer: '', code: 'event_too_large', detail }] };
  }
  const reading = readJson(bytes, 'event_data');
  if (!reading.ok) return { ok: false, kind: 'syntax', problems: [reading.problem] };
  const event = readEvent(reading, options);
  if (event === 'schema_not_loaded')
    return { ok: false, kind: 'schema_not_loaded', eventType: typeOf(reading), problems: [] };
  return event === undefined ? { ok: false, kind: 'event', problems: reading.problems.toArray() } : { ok: true, event };
}

/** The event, or undefined when `reading.problems` says why not. */
function readEvent(reading: JsonReading, options: ParseOptions): Event | 'schema_not_loaded' | undefined {
  const { value, problems } = reading;
  if (!isJsonObject(value)) {
    problems.add('not_an_object', [], `An event must be a JSON object, not ${nameOfType(value)}.`);
    return undefined;
  }
  const keepsSchema = hasEventMembers(value, reading);
  const timestampMicros = readTimestamp(value.event_timestamp, options, problems);
  const schema = options.typeSchemas && checkTypeSchema(value, options.typeSchemas, reading);
  if (!keepsSchema || timestampMicros === undefined || reading.span === undefined || problems.length > 0)
    return undefined;
  if (schema === 'not_loaded') return 'schema_not_loaded';

  const { user_id: userId, event_type: eventType, event_id: eventId, source = options.defaultSource } = value;
  const id = computeEventId({ source, eventId, userId, eventType, timestampMicros });
  return { id, userId, eventType, timestampMicros, eventData: reading.span, eventId, source, schema: schema?.label };
}

function hasEventMembers(value: JsonObject, { weight, problems }: JsonReading): value is JsonObject & EventMembers {
  return isPlainEvent(value) || checkEvent(value, [], weight, problems);
}

/** Microseconds since 1970; undefined when there is a problem with it, or no text at all (which the schema tells). */
function readTimestamp(value: JsonValue | undefined, options: ParseOptions, problems: ProblemList): number | undefined {
  if (typeof value !== 'string') return undefined;
  const path = ['event_timestamp'];
  const parsed = parseTimestamp(value);
  if (!parsed.ok) {
    problems.add(parsed.code, path, parsed.detail);
    return undefined;
  }
  const latest = (options.nowMs + options.maxFutureMs) * 1_000;
  if (parsed.micros > latest) {
    problems.add('timestamp_in_future', path, `Must not be later than ${formatTimestamp(latest)} (EVENTS_MAX_FUTURE).`);
  }
  const oldest = options.retentionMs === undefined ? 0 : (options.nowMs - options.retentionMs) * 1_000;
  if (parsed.micros < oldest) {
    problems.add('expired', path, `Must not be older than ${formatTimestamp(oldest)} (EVENTS_RETENTION).`);
  }
  return parsed.micros;
}

/** The schema that was asked; undefined where there is none to ask. */
function checkTypeSchema(
  { event_type: type, event_data: data }: JsonObject,
  schemas: TypeSchemas,
  { weight, problems }: JsonReading,
): TypeSchema | 'not_loaded' | undefined {
  if (typeof type !== 'string') return undefined;
  const schema = schemas.find(type);
  if (schema === 'refused') {
    const detail = `There is no schema for the type ${quote(type)}, so its events are not taken.`;
    problems.add('unknown_event_type', ['event_type'], detail);
  }
  if (schema === 'refused' || schema === 'unknown') return undefined;
  if (schema === 'not_loaded') return schema;
  if (isJsonObject(data)) schema.check(data, ['event_data'], weight, problems);
  return schema;
}

function typeOf({ value }: JsonReading): string {
  return isJsonObject(value) ? String(value.event_type) : '';
}
