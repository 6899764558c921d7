import type { IncomingHttpHeaders } from 'node:http';
import { type BodyFormat, jsonFormat, ndjsonFormat } from './body-formats.ts';
import type { Refusal } from './http-problems.ts';

/** Every content type that the API reads. */
const FORMATS: ReadonlyMap<string, BodyFormat> = new Map([
  ['application/json', jsonFormat],
  ['application/x-ndjson', ndjsonFormat],
]);

export const SUPPORTED_TYPES = [...FORMATS.keys()].join(', ');

/** What the headers say of the body, before a byte of it is read. */
export function bodyFormat(headers: IncomingHttpHeaders): BodyFormat | Refusal {
  const type = headers['content-type'];
  return (type !== undefined && FORMATS.get(type)) || parseType(type);
}

function parseType(header: string | undefined): BodyFormat | Refusal {
  if (header === undefined) return unsupported('The request names no Content-Type.');
  const [type = '', ...parameters] = header.split(';').map((part) => part.trim());
  const format = FORMATS.get(type.toLowerCase());
  if (format === undefined) return unsupported('The Content-Type is none that this version reads.');
  const isUtf8 = (parameter: string) => /^charset="?utf-8"?$/i.test(parameter);
  if (!parameters.every((parameter) => parameter === '' || isUtf8(parameter))) {
    return unsupported('JSON is UTF-8: the only parameter of its Content-Type is charset=utf-8.');
  }
  return format;
}

function unsupported(what: string): Refusal {
  return {
    code: 'unsupported_media_type',
    detail: `${what} Send one of ${SUPPORTED_TYPES}.`,
    headers: ['accept-post', SUPPORTED_TYPES],
  };
}
