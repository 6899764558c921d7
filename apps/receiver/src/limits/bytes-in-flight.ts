import type { Exchange } from '../exchange.ts';
import type { Refusal } from '../http-problems.ts';
import type { ReceiverCounts } from '../receiver-counts.ts';

/** So long a body may come in its own time, also where there is no room for others: one that comes quickly is done by then. */
const GRACE_MS = 1000;

/**
 * Counts what the requests in flight hold, and makes room where there is none. A body of which only a part came holds memory and
 * may never be of use: where the limit is met, those that have been coming for longer than a second end, the oldest first. Whether
 * bytes still come for it does not matter: who sends one a second would be as safe as who sends quickly.
 */
export class BytesInFlight {
  readonly #counts: ReceiverCounts;
  readonly #max: number;
  readonly #now: () => number;
  /** Since when a part of its body is here, by exchange: the oldest is first. */
  readonly #unfinished = new Map<Exchange, number>();

  /** `now`: monotonic, in milliseconds. */
  constructor(counts: ReceiverCounts, maxBytes: number, now: () => number = () => performance.now()) {
    this.#counts = counts;
    this.#max = maxBytes;
    this.#now = now;
  }

  /** So many bytes more are kept for this exchange; fewer, where it is a negative number. */
  hold(exchange: Exchange, bytes: number): void {
    exchange.bytesHeld += bytes;
    this.#counts.bytesInFlight += bytes;
  }

  /** The exchange is done. */
  giveBack(exchange: Exchange): void {
    this.hold(exchange, -exchange.bytesHeld);
  }

  /** A part of this body is here, and the rest is not: until it is finished it may be ended by its `cancelBody`. */
  unfinished(exchange: Exchange): void {
    if (!this.#unfinished.has(exchange)) this.#unfinished.set(exchange, this.#now());
  }

  /** The body is complete, or nobody waits for the rest of it any more. */
  finished(exchange: Exchange): void {
    this.#unfinished.delete(exchange);
  }

  /** Whether `wanted` bytes more would be too many, after everything was ended that may be. */
  isFull(wanted = 0): boolean {
    if (this.#counts.bytesInFlight + wanted <= this.#max) return false;
    const longAgo = this.#now() - GRACE_MS;
    for (const [exchange, since] of this.#unfinished) {
      if (since > longAgo) return true;
      this.giveBack(exchange);
      exchange.cancelBody?.(TOO_SLOW);
      if (this.#counts.bytesInFlight + wanted <= this.#max) return false;
    }
    return true;
  }
}

const TOO_SLOW: Refusal = {
  code: 'request_timeout',
  detail:
    'The body came too slowly to be waited for: others need the room (RECEIVER_MAX_IN_FLIGHT). Send it again in a moment.',
};
