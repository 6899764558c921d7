import { list, type SettingType, SettingValueError } from '@kero/runtime';
import { answerKind } from './answer-kind.ts';
import type { Exchange, Handler } from './exchange.ts';

/** `*`, or origins (`https://shop.example`), comma-separated. */
export function origins(): SettingType<readonly string[]> {
  return {
    name: 'list of origins, or *',
    parse: (input) => {
      const items = list().parse(input);
      return items.length === 1 && items[0] === '*' ? items : items.map(checkOrigin);
    },
  };
}

/** A browser sends scheme, host and port in one spelling; any other one would never match. */
function checkOrigin(item: string): string {
  const isOrigin = /^[a-z][a-z0-9+.-]*:\/\/[^/?#@\s*]+$/.test(item);
  const isWeb = /^https?:/.test(item);
  if (!isOrigin || (isWeb && (!URL.canParse(item) || new URL(item).origin !== item))) {
    throw new SettingValueError(
      `expected origins such as https://shop.example (lower case, no path, no default port), or * alone; found "${item}"`,
    );
  }
  return item;
}

export interface Cors {
  /** Adds to the answer what a browser needs to hand it to a page of an allowed origin. */
  mark(exchange: Exchange): void;
  /** Answers what a browser asks before it sends events: nobody is authenticated, and nothing is counted. */
  readonly preflight: Handler;
}

/** What a page may send. CloudEvents adds `ce-` and a name that nobody knows in advance. */
const REQUEST_HEADERS = [
  'authorization',
  'x-api-key',
  'content-type',
  'content-encoding',
  'x-request-id',
  'traceparent',
  'tracestate',
];
const CLOUD_EVENT_HEADER = /^ce-[a-z0-9]{1,64}$/;

/** What a page may read of an answer. */
const RESPONSE_HEADERS =
  'x-request-id, retry-after, ratelimit, ratelimit-policy, www-authenticate, allow, accept-encoding, accept-post';

const NO_CONTENT = answerKind(204, ['allow', 'POST, OPTIONS', 'cache-control', 'no-store']);

/** Two hours: no browser remembers a preflight longer. */
const MAX_AGE_SECONDS = 7200;

/** Cross-origin requests of browsers, without cookies. `allowed`: origins, or `*` alone. */
export function createCors(allowed: readonly string[]): Cors {
  const anybody = allowed[0] === '*';
  const known = new Set(allowed);
  const allowedOrigin = (origin: string | undefined) => {
    if (anybody) return '*';
    return origin !== undefined && known.has(origin) ? origin : undefined;
  };
  return {
    mark(exchange) {
      const { headers } = exchange;
      if (!anybody) headers.push('vary', 'origin');
      const origin = allowedOrigin(exchange.request.headers.origin);
      if (origin === undefined) return;
      headers.push('access-control-allow-origin', origin, 'access-control-expose-headers', RESPONSE_HEADERS);
    },
    preflight({ request: { headers }, response, headers: further }) {
      const answer = [...further];
      if (headers['access-control-request-method'] !== undefined && allowedOrigin(headers.origin) !== undefined) {
        const asked = headers['access-control-request-headers'] ?? '';
        const extensions = asked
          .split(',')
          .map((name) => name.trim().toLowerCase())
          .filter((name) => CLOUD_EVENT_HEADER.test(name));
        answer.push('access-control-allow-methods', 'POST');
        answer.push('access-control-allow-headers', [...REQUEST_HEADERS, ...extensions].join(', '));
        answer.push('access-control-max-age', String(MAX_AGE_SECONDS));
      }
      response.send(NO_CONTENT, answer, '');
    },
  };
}
