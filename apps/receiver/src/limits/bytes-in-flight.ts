import type { Socket } from 'node:net';
import type { Exchange } from '../exchange.ts';
import type { Refusal } from '../http-problems.ts';
import type { ReceiverCounts } from '../receiver-counts.ts';

/** So long a body may come, or an answer leave, also where there is no room for others: what is quick is done by then. */
const GRACE_MS = 1000;

/**
 * Counts what the requests in flight hold, and makes room where there is none. A body of which only a part came holds memory and
 * may never be of use: where the limit is met, those that have been coming for longer than a second end, the oldest first. Whether
 * bytes still come for it does not matter: who sends one a second would be as safe as who sends quickly. After them, connections end
 * whose clients have not taken an answer for as long.
 */
export class BytesInFlight {
  readonly #counts: ReceiverCounts;
  readonly #max: number;
  readonly #now: () => number;
  /** Since when a part of its body is here, by exchange: the oldest is first. */
  readonly #unfinished = new Map<Exchange, number>();
  /** What waits to be taken by the client, by connection, and since when it has not taken a whole one. */
  readonly #answers = new Map<Socket, { readonly bytes: number; readonly since: number }>();
  readonly #watched = new WeakSet<Socket>();

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

  /** An answer of so many bytes is kept until the client has taken all of it, or its connection is closed. To be called before it is sent. */
  holdAnswer({ socket, response }: Exchange, bytes: number): void {
    if (socket.destroyed) return;
    this.#addAnswer(socket, bytes, this.#answers.get(socket)?.since ?? this.#now());
    response.once('close', () => {
      if (this.#answers.has(socket)) this.#addAnswer(socket, -bytes, this.#now());
    });
    // Once for a connection: responses that wait behind others do not hear of its end.
    if (this.#watched.has(socket)) return;
    this.#watched.add(socket);
    socket.once('close', () => this.#dropAnswers(socket));
  }

  /** Whether `wanted` bytes more would be too many, after everything was ended that may be. */
  isFull(wanted = 0): boolean {
    if (this.#counts.bytesInFlight + wanted <= this.#max) return false;
    const longAgo = this.#now() - GRACE_MS;
    for (const [exchange, since] of this.#unfinished) {
      if (since > longAgo) break;
      this.giveBack(exchange);
      exchange.cancelBody?.(TOO_SLOW);
      if (this.#counts.bytesInFlight + wanted <= this.#max) return false;
    }
    for (const [socket, { since }] of this.#answers) {
      // With nothing to write, it is not the client who is waited for.
      if (since > longAgo || socket.writableLength === 0) continue;
      this.#dropAnswers(socket);
      socket.destroy();
      this.#counts.connectionsStuck++;
      if (this.#counts.bytesInFlight + wanted <= this.#max) return false;
    }
    return true;
  }

  #addAnswer(socket: Socket, change: number, since: number): void {
    const bytes = (this.#answers.get(socket)?.bytes ?? 0) + change;
    this.#counts.bytesInFlight += change;
    this.#answers.delete(socket);
    if (bytes > 0) this.#answers.set(socket, { bytes, since });
  }

  #dropAnswers(socket: Socket): void {
    this.#counts.bytesInFlight -= this.#answers.get(socket)?.bytes ?? 0;
    this.#answers.delete(socket);
  }
}

const TOO_SLOW: Refusal = {
  code: 'request_timeout',
  detail:
    'The body came too slowly to be waited for: others need the room (RECEIVER_MAX_IN_FLIGHT). Send it again in a moment.',
};
