import type { MessagingErrorCode } from '@kero/messaging';

export interface HttpProblemDefinition {
  readonly status: number;
  readonly title: string;
  /** True when the same request may succeed later, without anybody changing it. */
  readonly retryable: boolean;
  /** Sent as Retry-After, in seconds. */
  readonly retryAfterSeconds?: number;
  readonly meaning: string;
}

/**
 * Every problem the HTTP API answers with (`type` is `urn:kero:problem:<code>`); docs/errors.md and the OpenAPI document
 * are generated from this table. A 4xx was never stored. After a 5xx nobody knows: the same event may be sent again.
 */
export const httpProblems = {
  empty_body: {
    status: 400,
    title: 'The body is empty',
    retryable: false,
    meaning: 'A request without a body, or with nothing but white space in it.',
  },
  invalid_json: {
    status: 400,
    title: 'The text is not JSON',
    retryable: false,
    meaning:
      'The body, or a line of NDJSON, is not one JSON text. `errors` says where the reader stumbled. In an array it is a reason to refuse the whole body.',
  },
  invalid_utf8: {
    status: 400,
    title: 'The text is not UTF-8',
    retryable: false,
    meaning: 'JSON is UTF-8, and the body, or a line of NDJSON, has bytes that are not.',
  },
  byte_order_mark: {
    status: 400,
    title: 'The text begins with a byte order mark',
    retryable: false,
    meaning: 'JSON is UTF-8 without a byte order mark. Leave the first three bytes out.',
  },
  invalid_compression: {
    status: 400,
    title: 'The body cannot be decompressed',
    retryable: false,
    meaning:
      'The body is not what Content-Encoding says: it is damaged, ends too early, has more behind its end (one gzip member or zstd frame is read), or is a zstd frame with a window of more than 8 MiB.',
  },
  malformed_request: {
    status: 400,
    title: 'The request breaks the rules of HTTP',
    retryable: false,
    meaning:
      'The request breaks the rules of HTTP/1.1 (bad framing, no Host, two, or one that is none, a body that ends too early).',
  },
  misplaced_credentials: {
    status: 400,
    title: 'Credentials came more than once, or in the URL',
    retryable: false,
    meaning:
      'A key or token came in more than one header, or in the URL, where it ends in log files. What stood in a URL should be replaced: `kero keys rotate`.',
  },
  unauthorized: {
    status: 401,
    title: 'Not authenticated',
    retryable: false,
    meaning:
      'No key or token, or one that is not known, wrong, expired or revoked; the answer is the same for each. The log line of the receiver has the reason.',
  },
  missing_scope: {
    status: 403,
    title: 'The scope is missing',
    retryable: false,
    meaning: 'The key or token is valid, but has not got the scope that this needs. `detail` names it.',
  },
  source_not_allowed: {
    status: 403,
    title: 'The source is not allowed',
    retryable: false,
    meaning: 'The event names a source that this key or token may not send for.',
  },
  not_found: {
    status: 404,
    title: 'There is nothing here',
    retryable: false,
    meaning: 'No route has this path. Events go to POST /api/v1/events.',
  },
  method_not_allowed: {
    status: 405,
    title: 'The method is not allowed here',
    retryable: false,
    meaning: 'The path exists, but not for this method. `Allow` lists those that it takes.',
  },
  request_timeout: {
    status: 408,
    title: 'The request came too slowly',
    retryable: true,
    meaning:
      'Headers or body did not arrive in time (RECEIVER_HEADER_TIMEOUT, RECEIVER_BODY_TIMEOUT), or the body came for longer than a second while others needed its room (RECEIVER_MAX_IN_FLIGHT). Nothing of it was stored.',
  },
  body_too_large: {
    status: 413,
    title: 'The body is too large',
    retryable: false,
    meaning:
      'The body is larger than RECEIVER_MAX_BODY; or, decompressed, larger than RECEIVER_MAX_DECOMPRESSED or RECEIVER_MAX_RATIO allow. `detail` names the limit.',
  },
  batch_too_large: {
    status: 413,
    title: 'The batch has too many events',
    retryable: false,
    meaning: 'The batch has more events than RECEIVER_MAX_BATCH. None of them was stored.',
  },
  event_too_large: {
    status: 413,
    title: 'The event is too large',
    retryable: false,
    meaning: 'The text of the event is larger than EVENTS_MAX_BYTES.',
  },
  record_too_large: {
    status: 413,
    title: 'The event is too large for the log',
    retryable: false,
    meaning: 'The log takes no record of this size (on Kafka: max.message.bytes of the topic).',
  },
  url_too_long: {
    status: 414,
    title: 'The URL is too long',
    retryable: false,
    meaning: 'Path and query are longer than RECEIVER_MAX_URL.',
  },
  unsupported_media_type: {
    status: 415,
    title: 'The content type is not supported',
    retryable: false,
    meaning:
      'The Content-Type is none that this version reads, or came twice. `Accept-Post` lists those that it reads.',
  },
  unsupported_encoding: {
    status: 415,
    title: 'The content encoding is not supported',
    retryable: false,
    meaning: 'The Content-Encoding is none that this version reads. `Accept-Encoding` lists those that it does.',
  },
  invalid_event: {
    status: 422,
    title: 'The event is not valid',
    retryable: false,
    meaning: 'The body is JSON, but breaks the rules of an event. `errors` names every problem with its place.',
  },
  empty_batch: {
    status: 422,
    title: 'The batch is empty',
    retryable: false,
    meaning: 'The body is an array without items.',
  },
  batch_refused: {
    status: 422,
    title: 'No event of the batch was accepted',
    retryable: false,
    meaning:
      'Every event of the batch was refused, for reasons that do not go away by themselves. `results` has the problem of each.',
  },
  rate_limited: {
    status: 429,
    title: 'Too many requests',
    retryable: true,
    retryAfterSeconds: 1,
    meaning:
      'This address or this key sends more than it may (the RATE_LIMIT settings; `detail` names the one). Nothing was stored: send the same again when Retry-After has passed.',
  },
  headers_too_large: {
    status: 431,
    title: 'The headers are too large',
    retryable: false,
    meaning:
      'Request line and headers together are larger than RECEIVER_MAX_HEADER_BYTES, or there are more than RECEIVER_MAX_HEADERS.',
  },
  internal_error: {
    status: 500,
    title: 'The receiver made a mistake',
    retryable: true,
    meaning:
      'A fault of Kero itself. The log line with the same request id says which; the event may or may not be stored.',
  },
  log_refused: {
    status: 500,
    title: 'The log refused the event',
    retryable: false,
    meaning:
      'The event is valid, but the log does not take it from this receiver (its rights on the topic, or a bug). A person has to look; the event was not stored.',
  },
  batch_not_confirmed: {
    status: 503,
    title: 'No event of the batch was accepted yet',
    retryable: true,
    retryAfterSeconds: 1,
    meaning:
      'No event of the batch was accepted, and some may be when they are sent again. `results` has the problem of each, with `retryable`.',
  },
  auth_unavailable: {
    status: 503,
    title: 'Credentials cannot be checked',
    retryable: true,
    retryAfterSeconds: 5,
    meaning:
      'The file of API keys, or the issuer of the token, cannot be reached for so long that what was known of it is too old. Nobody is let in unchecked; nothing was stored.',
  },
  schemas_unavailable: {
    status: 503,
    title: 'The schema cannot be had',
    retryable: true,
    retryAfterSeconds: 5,
    meaning:
      'The schema of the event type could not be fetched, so nobody can tell whether the event is valid. It was not stored.',
  },
  log_unavailable: {
    status: 503,
    title: 'The log did not confirm',
    retryable: true,
    retryAfterSeconds: 5,
    meaning:
      'The log did not confirm within RECEIVER_DEADLINE, or is down. The event may be stored: send the same one again.',
  },
  log_overloaded: {
    status: 503,
    title: 'The log is overloaded',
    retryable: true,
    retryAfterSeconds: 1,
    meaning: 'Too many events wait for the log. This one was not stored.',
  },
  overloaded: {
    status: 503,
    title: 'The receiver is overloaded',
    retryable: true,
    retryAfterSeconds: 1,
    meaning:
      'More bytes wait for the log than RECEIVER_MAX_IN_FLIGHT, or more requests than RECEIVER_MAX_REQUESTS_IN_FLIGHT. This one was not stored.',
  },
  stopping: {
    status: 503,
    title: 'The receiver is stopping',
    retryable: true,
    retryAfterSeconds: 1,
    meaning: 'This process is about to end. The event was not stored: send it again, to the next one.',
  },
} as const satisfies Record<string, HttpProblemDefinition>;

export type HttpProblemCode = keyof typeof httpProblems;

/** One wrong thing in a body: where (JSON Pointer), which (a stable code), and for a person. */
export interface ErrorItem {
  readonly pointer: string;
  readonly code: string;
  readonly detail: string;
}

/** A request that will not be served, as a value: refusing is usual, so nothing is thrown for it. */
export interface Refusal {
  readonly code: HttpProblemCode;
  readonly detail: string;
  readonly errors?: readonly ErrorItem[];
  /** Replaces that of the table, where it is known better. */
  readonly retryAfterSeconds?: number;
  /** Further response headers: name, value, name, value. */
  readonly headers?: readonly string[];
  /** Further members of the log line, which the client does not see. */
  readonly log?: Readonly<Record<string, string>>;
}

/**
 * What the client is told when the log did not take a record; every other failure is `log_unavailable`, which promises
 * nothing. `log_refused` is a 500, not a 503: the event is right, and the log will refuse it again until a person has
 * changed something on our side, which is what a 500 alarms about.
 */
export const problemOfAppend = {
  log_overloaded: 'log_overloaded',
  log_closed: 'stopping',
  record_too_large: 'record_too_large',
  log_refused: 'log_refused',
} as const satisfies Partial<Record<MessagingErrorCode, HttpProblemCode>>;

/** The members of an RFC 9457 problem. */
export function problemBody(refusal: Refusal, requestId: string): Record<string, unknown> {
  const { status, title } = httpProblems[refusal.code];
  return {
    type: `urn:kero:problem:${refusal.code}`,
    title,
    status,
    detail: refusal.detail,
    request_id: requestId,
    ...(refusal.errors && { errors: refusal.errors }),
  };
}

/** The problem of one item of a batch. The request has an id, the item has none; whether to send it again is said here. */
export function itemProblemBody({ code, detail, errors }: Refusal): Record<string, unknown> {
  const { status, title, retryable } = httpProblems[code];
  return { type: `urn:kero:problem:${code}`, title, status, detail, ...(errors && { errors }), retryable };
}
