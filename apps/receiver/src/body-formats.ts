import {
  JsonArrayItems,
  type ParsedItem,
  type ParseOptions,
  type Problem,
  parseEvent,
  startsJsonArray,
} from '@kero/events';
import { NdjsonLines } from './ndjson-lines.ts';

/** How the body of a content type becomes events. */
export interface BodyFormat {
  /** The items of a body that is a batch; undefined for a body that is one item. */
  itemsOf(body: Buffer): BodyItems | undefined;
  /** Reads one item, or the body that is one. Pure; never throws. */
  parse(text: Buffer, options: ParseOptions): ParsedItem;
}

/** The texts of the items, in their order. */
export interface BodyItems {
  /** A view of the body; undefined after the last one, and where the body as a whole is wrong. */
  next(): Buffer | undefined;
  /** Why the whole body is refused, those items too that came before. */
  readonly problem: Problem | undefined;
}

/** One event, or an array of them. */
export const jsonFormat: BodyFormat = {
  itemsOf: (body) => (startsJsonArray(body) ? new JsonArrayItems(body) : undefined),
  parse: parseJson,
};

/** One event a line. */
export const ndjsonFormat: BodyFormat = {
  itemsOf: (body) => new NdjsonLines(body),
  parse: parseJson,
};

const NO_EXTENSIONS: readonly never[] = [];

function parseJson(text: Buffer, options: ParseOptions): ParsedItem {
  const parsed = parseEvent(text, options);
  return parsed.ok ? { ok: true, event: parsed.event, value: text, extensions: NO_EXTENSIONS } : parsed;
}
