import { KeroClientError } from './errors.ts';

/** How a client finds the receiver, and how it sends. */
export interface ClientOptions {
  /** The receiver, for example `https://events.example.com`; `/api/v1/events` is added to it. */
  readonly url: string | URL;
  /** An API key (`kero keys create`). In a browser everybody can read it: use one that may only send events. */
  readonly apiKey?: string;
  /** Instead of `apiKey`: an access token, or a function that gives one; it is asked before every request, so keep it cached. */
  readonly token?: string | (() => string | Promise<string>);
  /** The `source` of events that name none. Without it the receiver takes the one of the API key. */
  readonly source?: string;
  /** `auto` (default) compresses bodies of 1 KiB and more where the platform can. */
  readonly gzip?: 'auto' | boolean;
  /** How long an event is tried at most, from `send()` on; milliseconds, 60,000 by default. */
  readonly deadlineMs?: number;
  /** How long one request may take; milliseconds, 15,000 by default. Keep it above RECEIVER_DEADLINE (10 s). */
  readonly requestTimeoutMs?: number;
  /** What goes into one request. */
  readonly batch?: {
    /** 500 by default. */
    readonly maxEvents?: number;
    /** Of JSON text, before compression; 900 KiB by default, which fits into the receiver's 1 MiB also uncompressed. */
    readonly maxBytes?: number;
    /** How long the first event of a batch waits for others; milliseconds, 5 by default. 0 sends at once. */
    readonly lingerMs?: number;
  };
  /** How much may wait in this client; beyond it `send()` rejects with `buffer_full`, and `sendBatch()` waits. */
  readonly maxBuffered?: {
    /** 10,000 by default. */
    readonly events?: number;
    /** Of JSON text; 64 MiB by default. */
    readonly bytes?: number;
  };
  /** Requests at the same time, 1 by default. Events of one user_id always go one after the other, in order. */
  readonly concurrency?: number;
  /** Pauses between attempts: random between half of it and all of it, doubling from the first to the last. */
  readonly retry?: {
    /** Milliseconds, 200 by default. */
    readonly firstDelayMs?: number;
    /** Milliseconds, 10,000 by default. */
    readonly maxDelayMs?: number;
  };
  /** Told before every pause, for logs and metrics. */
  readonly onRetry?: (retry: RetryInfo) => void;
  /** Instead of the platform's `fetch`: a proxy, further headers, tests. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

/** What `onRetry` is told. */
export interface RetryInfo {
  /** How many events will be sent again. */
  readonly events: number;
  /** How many requests in a row left events over. */
  readonly failures: number;
  readonly delayMs: number;
  /** The HTTP status, where there was an answer. */
  readonly status: number | undefined;
  /** Why, for a person. */
  readonly reason: string;
}

/** The options with every default filled in and every value checked. */
export interface ClientSettings {
  readonly endpoint: string;
  readonly credential: (() => string | Promise<string>) | undefined;
  readonly source: string | undefined;
  readonly gzip: 'auto' | boolean;
  readonly deadlineMs: number;
  readonly requestTimeoutMs: number;
  readonly maxEvents: number;
  readonly maxBytes: number;
  readonly lingerMs: number;
  readonly maxBufferedEvents: number;
  readonly maxBufferedBytes: number;
  readonly concurrency: number;
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
  readonly onRetry: ((retry: RetryInfo) => void) | undefined;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
}

/** The longest that a timer of JavaScript can wait. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** @throws KeroClientError `invalid_options` that names every mistake. */
export function readOptions(options: ClientOptions): ClientSettings {
  const problems: string[] = [];
  const number = (name: string, value: number | undefined, fallback: number, least: number, most = MAX_TIMER_MS) => {
    if (value === undefined) return fallback;
    if (!Number.isFinite(value) || value < least || value > most) problems.push(`${name} must be ${least} to ${most}`);
    return value;
  };
  const settings: ClientSettings = {
    endpoint: endpointOf(options.url, problems),
    credential: credentialOf(options, problems),
    source: options.source,
    gzip: options.gzip ?? 'auto',
    deadlineMs: number('deadlineMs', options.deadlineMs, 60_000, 1),
    requestTimeoutMs: number('requestTimeoutMs', options.requestTimeoutMs, 15_000, 1),
    maxEvents: number('batch.maxEvents', options.batch?.maxEvents, 500, 1, 10_000),
    maxBytes: number('batch.maxBytes', options.batch?.maxBytes, 900 * 1024, 1),
    lingerMs: number('batch.lingerMs', options.batch?.lingerMs, 5, 0),
    maxBufferedEvents: number('maxBuffered.events', options.maxBuffered?.events, 10_000, 1),
    maxBufferedBytes: number('maxBuffered.bytes', options.maxBuffered?.bytes, 64 * 1024 ** 2, 1, 2 ** 40),
    concurrency: number('concurrency', options.concurrency, 1, 1, 64),
    firstDelayMs: number('retry.firstDelayMs', options.retry?.firstDelayMs, 200, 1),
    maxDelayMs: number('retry.maxDelayMs', options.retry?.maxDelayMs, 10_000, 1),
    onRetry: options.onRetry,
    // Not `fetch` itself: browsers refuse to run it as a method of another object.
    fetch: options.fetch ?? ((url, init) => fetch(url, init)),
  };
  if (!Number.isInteger(settings.concurrency)) problems.push('concurrency must be a whole number');
  if (settings.gzip === true && typeof CompressionStream === 'undefined') {
    problems.push('gzip: this platform has no CompressionStream');
  }
  if (problems.length > 0) throw new KeroClientError('invalid_options', problems.join('; '));
  return settings;
}

function endpointOf(given: string | URL, problems: string[]): string {
  try {
    const url = new URL(given);
    if (!/^https?:$/.test(url.protocol)) problems.push('url must begin with http: or https:');
    if (url.username || url.password) problems.push('url must not contain a password: use apiKey or token');
    if (url.search || url.hash) problems.push('url must not contain a query or a fragment');
    return `${url.origin}${url.pathname.replace(/\/$/, '')}/api/v1/events`;
  } catch {
    problems.push('url must be an absolute URL');
    return '';
  }
}

function credentialOf({ apiKey, token }: ClientOptions, problems: string[]): ClientSettings['credential'] {
  if (apiKey !== undefined && token !== undefined) problems.push('apiKey and token exclude each other');
  const given = apiKey ?? token;
  if (typeof given !== 'string') return given;
  // Visible ASCII: anything else would fail in fetch at every attempt. The value is not repeated, because it is a secret.
  if (!/^[\x21-\x7e]+$/.test(given))
    problems.push(`${apiKey === undefined ? 'token' : 'apiKey'} has characters that no key has`);
  return () => given;
}
