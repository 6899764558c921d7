/**
 * Every code of a {@link KeroClientError}. `retryable`: the same event may be sent again later, with the same content, and still
 * ends as one row.
 */
export const clientErrors = {
  refused: {
    retryable: false,
    meaning: 'The receiver said no (a 4xx). The event is not stored and would be refused again; `problem` says why.',
  },
  unknown_outcome: {
    retryable: true,
    meaning:
      'The deadline passed without an answer that says yes or no. The event may be stored; send the same one again, `event` has its id and time.',
  },
  not_sent: {
    retryable: true,
    meaning:
      'The deadline passed, or the client was closed, before the event could have been stored. It is not stored.',
  },
  buffer_full: {
    retryable: true,
    meaning: 'Too many events wait in this client (`maxBuffered`). This one was not taken; wait for `ready()`.',
  },
  invalid_event: {
    retryable: false,
    meaning: 'The event cannot be written as JSON without changing it (NaN, a cycle, a Map). It was not sent.',
  },
  closed: {
    retryable: false,
    meaning: 'The client was closed before. The event was not sent.',
  },
  invalid_options: {
    retryable: false,
    meaning: 'The options of createClient make no sense.',
  },
} as const satisfies Record<string, { retryable: boolean; meaning: string }>;

/** Which error it is, for programs. */
export type ClientErrorCode = keyof typeof clientErrors;

/** Why the receiver refused, or did not take, an event: what a program and a person need of an RFC 9457 problem. */
export interface KeroProblem {
  /** The HTTP status; of an item in a batch its own. 0 when a browser hides it. */
  readonly status: number;
  /** Kero's code, for example `invalid_event`; absent when the answer came from something else, such as a proxy. */
  readonly code?: string;
  readonly title?: string;
  readonly detail?: string;
  /** Every wrong place: `pointer` is a JSON Pointer within the event. */
  readonly errors: readonly { readonly pointer: string; readonly code: string; readonly detail: string }[];
  /** The `x-request-id` of the answer, to be found again in the receiver's log. */
  readonly requestId?: string;
}

export interface ClientErrorDetails {
  readonly event?: unknown;
  readonly eventJson?: string;
  readonly problem?: KeroProblem;
  readonly cause?: unknown;
}

/** The only kind of error that the client makes. */
export class KeroClientError extends Error {
  override readonly name = 'KeroClientError';
  readonly code: ClientErrorCode;
  /** Whether the same event may be sent again later; with `unknown_outcome` it should be. */
  readonly retryable: boolean;
  /** The event, with the `event_id` and `event_timestamp` that it was sent with: pass it to `send()` to send the same one again. */
  readonly event: unknown;
  /** The exact JSON text that was sent, without a line break: a line of an NDJSON file to send later. */
  readonly eventJson: string | undefined;
  /** The last answer of the receiver, where there was one. */
  readonly problem: KeroProblem | undefined;

  constructor(code: ClientErrorCode, message: string, details: ClientErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.retryable = clientErrors[code].retryable;
    this.event = details.event;
    this.eventJson = details.eventJson;
    this.problem = details.problem;
  }
}
