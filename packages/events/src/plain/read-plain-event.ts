import type { Event, ParseOptions } from '../event.ts';
import { ID_BYTES, writeScannedEventId } from '../identity.ts';
import { readJson } from '../json/read-json.ts';
import type { RecordParts } from '../parsed-item.ts';
import { ProblemList } from '../problem-list.ts';
import type { TypeSchema } from '../type-schemas.ts';
import { PlainEvent } from './plain-event.ts';
import { plainTimestamp } from './plain-timestamp.ts';
import { RecentTexts } from './recent-texts.ts';
import type { EventSpans } from './scan-event.ts';
import { NOT_PLAIN } from './scan-value.ts';

const types = new RecentTexts();
const sources = new RecentTexts();

/** The event that was scanned; undefined where it may break a rule, of which the schemas and parseTimestamp tell more. */
export function readPlainEvent(spans: EventSpans, options: ParseOptions): Event | undefined {
  const timestampMicros = readTimestamp(spans, options);
  if (timestampMicros < 0) return undefined;
  const eventType = typeOf(spans);
  const schema = checkTypeSchema(spans, eventType, options);
  if (schema === 'unclear') return undefined;

  const source = sourceOf(spans, options);
  writeScannedEventId(scratchId, spans, source, timestampMicros);
  return new PlainEvent({ spans, id: scratchId, eventType, timestampMicros, source, schema: schema?.label });
}

/** Of the event that is read: it copies its id from here. */
const scratchId = Buffer.alloc(ID_BYTES);

/** The same for whoever only needs what its log record is made of. `value` is the text of the event. */
export function readPlainRecord(spans: EventSpans, value: Buffer, options: ParseOptions): RecordParts | undefined {
  const timestampMicros = readTimestamp(spans, options);
  if (timestampMicros < 0) return undefined;
  const schema = checkTypeSchema(spans, typeOf(spans), options);
  if (schema === 'unclear') return undefined;

  const source = sourceOf(spans, options);
  const id = Buffer.allocUnsafe(ID_BYTES);
  writeScannedEventId(id, spans, source, timestampMicros);
  const userId = spans.bytes.subarray(spans.userIdStart, spans.userIdEnd);
  return { ok: true, id, userId, source, schema: schema?.label, value, extensions: NO_EXTENSIONS };
}

const NO_EXTENSIONS: readonly never[] = [];

/** Microseconds since 1970, or NOT_PLAIN. */
function readTimestamp({ bytes, timestampStart, timestampEnd }: EventSpans, options: ParseOptions): number {
  const micros = plainTimestamp(bytes, timestampStart, timestampEnd);
  if (micros < 0 || micros > (options.nowMs + options.maxFutureMs) * 1_000) return NOT_PLAIN;
  if (options.retentionMs !== undefined && micros < (options.nowMs - options.retentionMs) * 1_000) return NOT_PLAIN;
  return micros;
}

function typeOf({ bytes, eventTypeStart, eventTypeEnd }: EventSpans): string {
  return types.read(bytes, eventTypeStart, eventTypeEnd);
}

function sourceOf({ bytes, sourceStart, sourceEnd }: EventSpans, options: ParseOptions): string {
  return sourceStart > 0 ? sources.read(bytes, sourceStart, sourceEnd) : options.defaultSource;
}

/** The schema that event_data keeps; undefined where there is none to keep. */
function checkTypeSchema(
  spans: EventSpans,
  eventType: string,
  options: ParseOptions,
): TypeSchema | undefined | 'unclear' {
  const found = options.typeSchemas?.find(eventType) ?? 'unknown';
  if (found === 'unknown') return undefined;
  return found !== 'refused' && found !== 'not_loaded' && keepsSchema(found, spans) ? found : 'unclear';
}

function keepsSchema(schema: TypeSchema, spans: EventSpans): boolean {
  if (schema.isPlain) return schema.isPlain(spans.data);
  // Not JSON.parse: the objects of a check must inherit nothing, or `required` finds a member called "constructor".
  const reading = readJson(spans.bytes.subarray(spans.dataStart, spans.dataEnd));
  return reading.ok && schema.check(reading.value, ['event_data'], reading.weight, new ProblemList());
}
