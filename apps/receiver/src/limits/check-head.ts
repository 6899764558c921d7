import type { IncomingMessage } from 'node:http';
import type { Refusal } from '../http-problems.ts';

export interface HeadLimits {
  readonly maxUrlLength: number;
  readonly maxHeaders: number;
  readonly maxHeaderBytes: number;
}

/**
 * What is refused whatever the route. The parser looks at the size of the headers, and in newer versions of Node at their
 * number too (broken-requests.ts); older ones leave out what is too much.
 */
export function checkHead(request: IncomingMessage, limits: HeadLimits): Refusal | undefined {
  if (request.headers.host === undefined && request.httpVersion === '1.1') return NO_HOST;
  if ((request.url ?? '').length > limits.maxUrlLength) {
    const detail = `A URL may have at most ${limits.maxUrlLength} characters (RECEIVER_MAX_URL).`;
    return { code: 'url_too_long', detail };
  }
  if (request.rawHeaders.length > 2 * limits.maxHeaders) return headersTooLarge(limits);
  return undefined;
}

const NO_HOST: Refusal = { code: 'malformed_request', detail: 'HTTP/1.1 requires a Host header.' };

export function headersTooLarge({ maxHeaders, maxHeaderBytes }: HeadLimits): Refusal {
  const detail = `A request may have at most ${maxHeaders} headers (RECEIVER_MAX_HEADERS), and its path and headers at most ${maxHeaderBytes} bytes (RECEIVER_MAX_HEADER_BYTES).`;
  return { code: 'headers_too_large', detail };
}
