import type { RequestHead } from '../exchange.ts';
import type { Refusal } from '../http-problems.ts';
import { isRepeated } from './repeated-header.ts';

export interface HeadLimits {
  readonly maxUrlLength: number;
  readonly maxHeaders: number;
  readonly maxHeaderBytes: number;
}

/**
 * What is refused whatever the route. The parser looks at the size of the headers, and in newer versions of Node at their
 * number too (broken-requests.ts); older ones leave out what is too much.
 */
export function checkHead(request: RequestHead, limits: HeadLimits): Refusal | undefined {
  const { host, 'transfer-encoding': transferEncoding } = request.headers;
  if (host === undefined) {
    if (request.httpVersion === '1.1') return NO_HOST;
  } else if (!HOST.test(host) || isRepeated(request.rawHeaders, 'host')) return BAD_HOST;
  if (transferEncoding !== undefined) {
    if (request.httpVersion === '1.0') return CHUNKS_OF_1_0;
    if (transferEncoding.toLowerCase() !== 'chunked') return UNKNOWN_TRANSFER;
  }
  if ((request.url ?? '').length > limits.maxUrlLength) {
    const detail = `A URL may have at most ${limits.maxUrlLength} characters (RECEIVER_MAX_URL).`;
    return { code: 'url_too_long', detail };
  }
  if (request.rawHeaders.length > 2 * limits.maxHeaders) return headersTooLarge(limits);
  return undefined;
}

/** RFC 9110, 7.2: uri-host [":" port], which may be empty. */
const HOST = /^(?:\[[0-9a-f:.]+\]|(?:[\w.~!$&'()*+,;=-]|%[0-9a-f]{2})*)(?::\d*)?$/i;

const NO_HOST: Refusal = { code: 'malformed_request', detail: 'HTTP/1.1 requires a Host header.' };
const BAD_HOST: Refusal = {
  code: 'malformed_request',
  detail: 'The Host header is one name or address, with or without a port.',
};
// RFC 9112, 6.1: who is in between may have seen another end of this body.
const CHUNKS_OF_1_0: Refusal = { code: 'malformed_request', detail: 'HTTP/1.0 has no Transfer-Encoding.' };
const UNKNOWN_TRANSFER: Refusal = {
  code: 'malformed_request',
  detail: 'The one Transfer-Encoding that is read is chunked.',
};

export function headersTooLarge({ maxHeaders, maxHeaderBytes }: HeadLimits): Refusal {
  const detail = `A request may have at most ${maxHeaders} headers (RECEIVER_MAX_HEADERS), and its path and headers at most ${maxHeaderBytes} bytes (RECEIVER_MAX_HEADER_BYTES).`;
  return { code: 'headers_too_large', detail };
}
