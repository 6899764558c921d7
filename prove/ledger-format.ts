/**
 * The ledger: what the load generator did, one JSON object a line. It is written outside the system under test, and the
 * checker believes nothing else about what was sent.
 */

/**
 * - `new`: a valid event.
 * - `conflict`: a valid event with the identity of an earlier one and other content.
 * - `invalid`: must be refused, and be nowhere.
 * - `garbage`: a record written straight into the topic that is not an event: must become a dead letter.
 * - `foreign`: an event written straight into the topic, without headers: must become a row.
 * - `probe`: a valid event sent when everything is healed.
 */
export type ContentClass = 'new' | 'conflict' | 'invalid' | 'garbage' | 'foreign' | 'probe';

export interface ContentLine {
  readonly line: 'content';
  /** Counts up over the whole run. */
  readonly content: number;
  readonly class: ContentClass;
  /** What exactly, for people: `purchase`, `invalid: duplicate member`. */
  readonly kind: string;
  /** A text that is in this body and, but for repeats, in no other. */
  readonly marker: string;
  readonly user: string;
  /** For a user whose events are sent strictly one after the other: its place in that order. */
  readonly seq?: number;
  /** The instant of event_timestamp in microseconds since 1970, as decimal text; absent where there is none. */
  readonly micros?: string;
  readonly body: string;
  /** The body is not UTF-8, and `body` is its base64. */
  readonly base64?: true;
}

export type Purpose = 'first' | 'resend' | 'retry';

export interface AttemptLine {
  readonly line: 'attempt';
  readonly attempt: number;
  readonly content: number;
  readonly purpose: Purpose;
  /** Receiver, or the tool that writes into the topic. */
  readonly via: string;
  /** Unix milliseconds. */
  readonly at: number;
}

/** ok: 2xx. no: 4xx, must not be stored. unknown: everything else, stored once or not at all. */
export type Outcome = 'ok' | 'no' | 'unknown';

export interface OutcomeLine {
  readonly line: 'outcome';
  readonly attempt: number;
  readonly outcome: Outcome;
  readonly status?: number;
  /** The id in the answer. */
  readonly id?: string;
  /** The problem code of the answer, or the socket's error. */
  readonly why?: string;
  readonly at: number;
}

export type LedgerLine = ContentLine | AttemptLine | OutcomeLine;
