import type { Event, ParseOptions, ParseResult } from './event.ts';
import { isPlainEvent, isPlainPurchase } from './fast-checks.ts';
import { computeEventId } from './identity.ts';
import { isJsonObject, type JsonObject, type JsonValue, nameOfType } from './json/json-value.ts';
import { type JsonReading, readJson } from './json/read-json.ts';
import type { ProblemList } from './problem-list.ts';
import { compileSchema, type SchemaCheck } from './schema-check.ts';
import { eventSchema, purchaseSchema } from './schemas.ts';
import { formatTimestamp, parseTimestamp } from './timestamp.ts';

/** What the members of an event are once its schema has been kept. */
interface EventMembers {
  readonly user_id: string;
  readonly event_type: string;
  readonly event_timestamp: string;
  readonly event_data: JsonObject;
  readonly event_id?: string;
  readonly source?: string;
}

interface TypeSchema {
  /** A quick yes; see fast-checks.ts. */
  readonly isPlain: (data: JsonObject) => boolean;
  readonly check: SchemaCheck;
}

// parseTimestamp refuses every text that the pattern of event_timestamp refuses, and says why.
const checkEvent = compileSchema(
  eventSchema,
  (error) => error.instancePath === '/event_timestamp' && error.keyword === 'pattern',
);

const typeSchemas: ReadonlyMap<string, TypeSchema> = new Map([
  ['purchase', { isPlain: isPlainPurchase, check: compileSchema(purchaseSchema) }],
]);

/**
 * Reads one event from the bytes of one JSON text, and finds every problem in one go (of an event with more than 100 the first
 * 100). The result shares memory with `bytes`: eventData is a view of them. Pure; never throws.
 */
export function parseEvent(bytes: Buffer, options: ParseOptions): ParseResult {
  if (bytes.length > options.maxBytes) {
    const detail = `The event has ${bytes.length} bytes; at most ${options.maxBytes} are allowed (EVENTS_MAX_BYTES).`;
    return { ok: false, kind: 'event', problems: [{ pointer: '', code: 'event_too_large', detail }] };
  }
  const reading = readJson(bytes, 'event_data');
  if (!reading.ok) return { ok: false, kind: 'syntax', problems: [reading.problem] };
  const event = readEvent(reading, options);
  return event === undefined ? { ok: false, kind: 'event', problems: reading.problems.toArray() } : { ok: true, event };
}

/** The event, or undefined when `reading.problems` says why not. */
function readEvent(reading: JsonReading, options: ParseOptions): Event | undefined {
  const { value, problems } = reading;
  if (!isJsonObject(value)) {
    problems.add('not_an_object', [], `An event must be a JSON object, not ${nameOfType(value)}.`);
    return undefined;
  }
  const keepsSchema = hasEventMembers(value, reading);
  const timestampMicros = readTimestamp(value.event_timestamp, options, problems);
  if (options.checkTypeSchema) checkTypeSchema(value, reading);
  if (!keepsSchema || timestampMicros === undefined || reading.span === undefined || problems.length > 0)
    return undefined;

  const { user_id: userId, event_type: eventType, event_id: eventId, source = options.defaultSource } = value;
  const id = computeEventId({ source, eventId, userId, eventType, timestampMicros });
  return { id, userId, eventType, timestampMicros, eventData: reading.span, eventId, source };
}

function hasEventMembers(value: JsonObject, { values, problems }: JsonReading): value is JsonObject & EventMembers {
  return isPlainEvent(value) || checkEvent(value, [], values, problems);
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

function checkTypeSchema(event: JsonObject, { values, problems }: JsonReading): void {
  const { event_type: type, event_data: data } = event;
  const schema = typeof type === 'string' ? typeSchemas.get(type) : undefined;
  if (schema === undefined || !isJsonObject(data) || schema.isPlain(data)) return;
  schema.check(data, ['event_data'], values, problems);
}
