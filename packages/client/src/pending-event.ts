import type { ItemOutcome } from './answer.ts';
import { KeroClientError, type KeroProblem } from './errors.ts';
import type { KeroEvent, PreparedEvent } from './event.ts';

/** What `send()` resolves with. */
export interface Accepted {
  /** The primary key that the row will have. */
  readonly id: string;
  /** The one that was given, or the one that the client made. */
  readonly event_id: string;
}

const GONE = new Uint8Array(0);
const decoder = new TextDecoder();

/**
 * One event between `send()` and its end. It settles once: by an answer, or by its deadline; whatever comes later is ignored.
 */
export class PendingEvent {
  readonly promise: Promise<Accepted>;
  /** True as soon as a request with this event went out whose answer did not exclude that it was stored. */
  mayBeStored = false;
  readonly userId: string;
  readonly bytes: number;
  readonly #prepared: PreparedEvent;
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #onSettled: (pending: PendingEvent) => void;
  #line: Uint8Array<ArrayBuffer>;
  #lastProblem: KeroProblem | undefined;
  #lastCause: unknown;
  #isSettled = false;
  #resolve: (accepted: Accepted) => void = () => {};
  #reject: (error: KeroClientError) => void = () => {};

  constructor(prepared: PreparedEvent, deadlineMs: number, onSettled: (pending: PendingEvent) => void) {
    this.#prepared = prepared;
    this.#line = prepared.line;
    this.#onSettled = onSettled;
    // What is no text the receiver will refuse.
    this.userId = typeof prepared.event.user_id === 'string' ? prepared.event.user_id : '';
    this.bytes = prepared.line.length;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#timer = setTimeout(() => this.giveUp(`${deadlineMs} ms passed`), deadlineMs);
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** What is sent; empty once it is settled. */
  get line(): Uint8Array<ArrayBuffer> {
    return this.#line;
  }

  /** Takes the outcome of a request that it was part of. */
  take(outcome: ItemOutcome): void {
    if (this.#isSettled) return;
    switch (outcome.kind) {
      case 'accepted': {
        const { event_id } = this.#prepared.event;
        this.#settle(() => this.#resolve({ id: outcome.id, event_id }));
        break;
      }
      case 'refused': {
        const { problem } = outcome;
        this.#fail('refused', `the receiver refused the event: ${problemText(problem)}`, problem, undefined);
        break;
      }
      case 'again':
        this.mayBeStored ||= outcome.mayBeStored;
        this.#lastProblem = outcome.problem;
        this.#lastCause = outcome.cause;
    }
  }

  /** Ends it without an answer that says yes or no. */
  giveUp(reason: string): void {
    if (this.#isSettled) return;
    const last = this.#lastProblem ? `; last answer: ${problemText(this.#lastProblem)}` : '';
    const [code, text] = this.mayBeStored
      ? (['unknown_outcome', 'the event may be stored or not, send the same one again'] as const)
      : (['not_sent', 'the event is not stored'] as const);
    this.#fail(code, `${reason}: ${text}${last}`, this.#lastProblem, this.#lastCause);
  }

  #fail(code: 'refused' | 'unknown_outcome' | 'not_sent', message: string, problem?: KeroProblem, cause?: unknown) {
    const event: KeroEvent = this.#prepared.event;
    const eventJson = decoder.decode(this.#line).trimEnd();
    const error = new KeroClientError(code, message, { event, eventJson, ...(problem && { problem }), cause });
    this.#settle(() => this.#reject(error));
  }

  #settle(settle: () => void): void {
    this.#isSettled = true;
    this.#line = GONE;
    clearTimeout(this.#timer);
    this.#onSettled(this);
    settle();
  }
}

function problemText({ status, code, detail, errors }: KeroProblem): string {
  const places = errors.map((item) => `${item.pointer || 'the event'}: ${item.detail}`).join('; ');
  return `${status}${code ? ` ${code}` : ''}: ${places || detail}`;
}
