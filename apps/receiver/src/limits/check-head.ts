import type { IncomingMessage } from 'node:http';
import type { Refusal } from '../http-problems.ts';

export interface HeadLimits {
  readonly maxUrlLength: number;
  readonly maxHeaders: number;
}

/** What is refused whatever the route. The size of the headers is the parser's, see broken-requests.ts. */
export function checkHead(request: IncomingMessage, limits: HeadLimits): Refusal | undefined {
  if (request.headers.host === undefined && request.httpVersion === '1.1') return NO_HOST;
  if ((request.url ?? '').length > limits.maxUrlLength) {
    const detail = `A URL may have at most ${limits.maxUrlLength} characters (RECEIVER_MAX_URL).`;
    return { code: 'url_too_long', detail };
  }
  if (request.rawHeaders.length > 2 * limits.maxHeaders) {
    const detail = `A request may have at most ${limits.maxHeaders} headers (RECEIVER_MAX_HEADERS).`;
    return { code: 'headers_too_large', detail };
  }
  return undefined;
}

const NO_HOST: Refusal = { code: 'malformed_request', detail: 'HTTP/1.1 requires a Host header.' };
