import type { Event, ParseOptions } from '../event.ts';
import { computeEventId } from '../identity.ts';
import { readJson } from '../json/read-json.ts';
import { ProblemList } from '../problem-list.ts';
import type { TypeSchema } from '../type-schemas.ts';
import { plainTimestamp } from './plain-timestamp.ts';
import type { EventSpans } from './scan-event.ts';

/** The event that was scanned; undefined where it may break a rule, of which the schemas and parseTimestamp tell more. */
export function readPlainEvent(spans: EventSpans, options: ParseOptions): Event | undefined {
  const { bytes } = spans;
  const timestampMicros = plainTimestamp(bytes, spans.timestampStart, spans.timestampEnd);
  if (timestampMicros < 0 || timestampMicros > (options.nowMs + options.maxFutureMs) * 1_000) return undefined;
  if (options.retentionMs !== undefined && timestampMicros < (options.nowMs - options.retentionMs) * 1_000) {
    return undefined;
  }
  const eventType = bytes.toString('utf8', spans.eventTypeStart, spans.eventTypeEnd);
  const eventData = bytes.subarray(spans.dataStart, spans.dataEnd);
  const found = options.typeSchemas?.find(eventType) ?? 'unknown';
  if (found === 'refused' || found === 'not_loaded') return undefined;
  const schema = found === 'unknown' ? undefined : found;
  if (schema && !keepsSchema(schema, spans, eventData)) return undefined;

  const userId = bytes.toString('utf8', spans.userIdStart, spans.userIdEnd);
  const eventId = spans.eventIdStart > 0 ? bytes.toString('utf8', spans.eventIdStart, spans.eventIdEnd) : undefined;
  const source =
    spans.sourceStart > 0 ? bytes.toString('utf8', spans.sourceStart, spans.sourceEnd) : options.defaultSource;
  const id = computeEventId({ source, eventId, userId, eventType, timestampMicros });
  return { id, userId, eventType, timestampMicros, eventData, eventId, source, schema: schema?.label };
}

function keepsSchema(schema: TypeSchema, spans: EventSpans, eventData: Buffer): boolean {
  if (schema.isPlain) return schema.isPlain(spans.data);
  // Not JSON.parse: the objects of a check must inherit nothing, or `required` finds a member called "constructor".
  const reading = readJson(eventData);
  return reading.ok && schema.check(reading.value, ['event_data'], reading.weight, new ProblemList());
}
