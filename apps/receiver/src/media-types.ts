import type { IncomingHttpHeaders } from 'node:http';
import type { Refusal } from './http-problems.ts';

/** What a body can be; every content type that the API reads is named here. */
export type BodyFormat = 'event';

const FORMATS: ReadonlyMap<string, BodyFormat> = new Map([['application/json', 'event']]);

/** Known, but not read by this version: the refusal says so instead of making the client search for a mistake. */
const BATCH_TYPES = new Set([
  'application/x-ndjson',
  'application/ndjson',
  'application/cloudevents+json',
  'application/cloudevents-batch+json',
]);

const SUPPORTED_TYPES = [...FORMATS.keys()].join(', ');

/** What the headers say of the body, before a byte of it is read. */
export function bodyFormat(headers: IncomingHttpHeaders): BodyFormat | Refusal {
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding.trim().toLowerCase() !== 'identity') {
    return {
      code: 'unsupported_encoding',
      detail: 'Send the body as it is: of Content-Encoding this version reads only identity.',
      headers: ['accept-encoding', 'identity'],
    };
  }
  const type = headers['content-type'];
  return (type !== undefined && FORMATS.get(type)) || parseType(type);
}

function parseType(header: string | undefined): BodyFormat | Refusal {
  if (header === undefined) return unsupported('The request names no Content-Type.');
  const [type = '', ...parameters] = header.split(';').map((part) => part.trim());
  const name = type.toLowerCase();
  const format = FORMATS.get(name);
  if (format === undefined) {
    return unsupported(
      BATCH_TYPES.has(name)
        ? `This version does not read ${name}: it takes one event a request.`
        : 'The Content-Type is none that this version reads.',
    );
  }
  const isUtf8 = (parameter: string) => /^charset="?utf-8"?$/i.test(parameter);
  if (!parameters.every((parameter) => parameter === '' || isUtf8(parameter))) {
    return unsupported('JSON is UTF-8: the only parameter of its Content-Type is charset=utf-8.');
  }
  return format;
}

function unsupported(what: string): Refusal {
  return {
    code: 'unsupported_media_type',
    detail: `${what} Send Content-Type: ${SUPPORTED_TYPES}.`,
    headers: ['accept-post', SUPPORTED_TYPES],
  };
}
