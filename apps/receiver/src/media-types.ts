import { isBinaryCloudEvent, isJsonMediaType, type MediaType, parseMediaType } from '@kero/events';
import {
  type BodyFormat,
  binaryCloudEventFormat,
  cloudEventBatchFormat,
  cloudEventFormat,
  jsonFormat,
  ndjsonFormat,
} from './body-formats.ts';
import type { RequestHead } from './exchange.ts';
import type { Refusal } from './http-problems.ts';
import { isRepeated } from './limits/repeated-header.ts';

/** Every content type that the API reads; of a CloudEvent in binary mode it is that of the data. */
const FORMATS: ReadonlyMap<string, BodyFormat> = new Map([
  ['application/json', jsonFormat],
  ['application/x-ndjson', ndjsonFormat],
  ['application/cloudevents+json', cloudEventFormat],
  ['application/cloudevents-batch+json', cloudEventBatchFormat],
]);

export const SUPPORTED_TYPES = [...FORMATS.keys()].join(', ');

/** With any of these the event is in the body, whatever the headers say. */
const CLOUD_EVENTS = 'application/cloudevents';

/** What the head of a request says of its body, before a byte of that is read. */
export function bodyFormat({ headers, rawHeaders }: RequestHead): BodyFormat | Refusal {
  const header = headers['content-type'];
  const isBinary = isBinaryCloudEvent(headers);
  if (header === undefined) {
    // The SDK for Python sends none unless it is told which; data that is not JSON is found out by reading it.
    return isBinary ? binaryCloudEventFormat(rawHeaders) : unsupported('The request names no Content-Type.');
  }
  if (isRepeated(rawHeaders, 'content-type')) return unsupported('The request has more than one Content-Type.');
  const known = isBinary ? undefined : FORMATS.get(header);
  if (known) return known;
  const mediaType = parseMediaType(header);
  if (mediaType === undefined) return unsupported('The Content-Type is not a media type.');
  const name = `${mediaType.type}/${mediaType.subtype}`;
  if (isBinary && !name.startsWith(CLOUD_EVENTS)) {
    if (isJsonMediaType(mediaType)) return binaryCloudEventFormat(rawHeaders);
    return unsupported('With ce- headers the body is the data of a CloudEvent, which must be JSON in UTF-8.');
  }
  const format = FORMATS.get(name);
  if (format === undefined) return unsupported('The Content-Type is none that this version reads.');
  return isPlainUtf8(mediaType)
    ? format
    : unsupported('JSON is UTF-8: the only parameter of its Content-Type is charset=utf-8.');
}

function isPlainUtf8({ parameters }: MediaType): boolean {
  for (const [name, value] of parameters) {
    if (name !== 'charset' || value.toLowerCase() !== 'utf-8') return false;
  }
  return true;
}

function unsupported(what: string): Refusal {
  return {
    code: 'unsupported_media_type',
    detail: `${what} Send one of ${SUPPORTED_TYPES}.`,
    headers: ['accept-post', SUPPORTED_TYPES],
  };
}
