import {
  type EventSpans,
  JsonArrayItems,
  type ParseOptions,
  type Problem,
  parseBinaryCloudEvent,
  parseCloudEvent,
  parseRecordItem,
  type RecordItem,
  recordItemOf,
  startsJsonArray,
} from '@kero/events';
import { NdjsonLines } from './ndjson-lines.ts';

/** How the body of a content type becomes events. */
export interface BodyFormat {
  /** The items of a body that is a batch; undefined for a body that is one item. */
  itemsOf(body: Buffer): BodyItems | undefined;
  /** Reads one item, or the body that is one. `spans` are those of the item, where it has some. Pure; never throws. */
  parse(text: Buffer, options: ParseOptions, spans?: EventSpans): RecordItem;
}

/** The texts of the items, in their order. */
export interface BodyItems {
  /**
   * A view of the body; null where finding the next one takes long (an item of many bytes, much white space): call again. Undefined after the last one, and where the body
   * as a whole is wrong.
   */
  next(): Buffer | null | undefined;
  /** What was seen of the item that next() gave last, so that it need not be read again. */
  readonly spans?: EventSpans | undefined;
  /** Why the whole body is refused, those items too that came before. */
  readonly problem: Problem | undefined;
}

/** One event, or an array of them. */
export const jsonFormat: BodyFormat = {
  itemsOf: (body) => (startsJsonArray(body) ? new JsonArrayItems(body) : undefined),
  parse: parseRecordItem,
};

/** One event a line. */
export const ndjsonFormat: BodyFormat = {
  itemsOf: (body) => new NdjsonLines(body),
  parse: parseRecordItem,
};

/** One CloudEvent in the JSON format (structured mode). */
export const cloudEventFormat: BodyFormat = {
  itemsOf: () => undefined,
  parse: (text, options) => recordItemOf(parseCloudEvent(text, options)),
};

/** An array of CloudEvents in the JSON format (batched mode), and nothing but an array. */
export const cloudEventBatchFormat: BodyFormat = {
  itemsOf: (body) => new JsonArrayItems(body),
  parse: (text, options) => recordItemOf(parseCloudEvent(text, options)),
};

/** One CloudEvent whose attributes are headers, and whose data is the body (binary mode). */
export function binaryCloudEventFormat(rawHeaders: readonly string[]): BodyFormat {
  return {
    itemsOf: () => undefined,
    parse: (body, options) => recordItemOf(parseBinaryCloudEvent(rawHeaders, body, options)),
  };
}
