import type { BodyListener, Exchange } from './exchange.ts';
import type { Refusal } from './http-problems.ts';
import type { BytesInFlight } from './limits/bytes-in-flight.ts';

export interface BodyLimits {
  readonly maxBodyBytes: number;
}

/**
 * Reads the body of a request: its bytes, or why it is refused, or undefined when the client left before its end (then
 * there is nobody to answer). The limits hold for the bytes that arrive, whatever Content-Length says. What it holds is
 * added to the bytes in flight.
 */
export function readBody(
  exchange: Exchange,
  limits: BodyLimits,
  room: BytesInFlight,
): Buffer | Refusal | undefined | Promise<Buffer | Refusal | undefined> {
  const { body } = exchange;
  if (body.declaredBytes !== undefined && body.declaredBytes > limits.maxBodyBytes) return tooLarge(limits);
  if (room.isFull(1)) return overloaded();
  return new BodyReading(exchange, limits, room).take();
}

/**
 * Reading one body. When it is done it lets go of the bytes: the exchange refers to it, and lives until the next full garbage collection
 * where a table of exchanges was made anew meanwhile (0026).
 */
class BodyReading implements BodyListener {
  readonly #exchange: Exchange;
  readonly #limits: BodyLimits;
  readonly #room: BytesInFlight;
  #first: Buffer | undefined;
  #more: Buffer[] | undefined;
  #isReading = true;
  #result: Buffer | Refusal | undefined;
  #resolve: ((result: Buffer | Refusal | undefined) => void) | undefined;

  constructor(exchange: Exchange, limits: BodyLimits, room: BytesInFlight) {
    this.#exchange = exchange;
    this.#limits = limits;
    this.#room = room;
    exchange.cancelBody = (refusal) => this.#finish(refusal);
    exchange.body.listen(this);
  }

  /** Once. The result is there at once where all of the body was here already. */
  take(): Buffer | Refusal | undefined | Promise<Buffer | Refusal | undefined> {
    if (!this.#isReading) {
      const result = this.#result;
      this.#result = undefined;
      return result;
    }
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  onData(chunk: Buffer): void {
    if (!this.#isReading) return;
    const exchange = this.#exchange;
    exchange.bytesReceived += chunk.length;
    if (exchange.bytesReceived > this.#limits.maxBodyBytes) {
      this.#finish(tooLarge(this.#limits));
      return;
    }
    this.#room.hold(exchange, chunk.length);
    // A body that comes in one piece, like nearly all, is complete already.
    if (exchange.body.complete) this.#room.finished(exchange);
    else this.#room.unfinished(exchange);
    if (this.#room.isFull()) {
      // It may have been the one that was ended, to make room.
      if (this.#isReading) this.#finish(overloaded());
      return;
    }
    if (!this.#isReading) return;
    if (this.#first === undefined) this.#first = chunk;
    else if (this.#more === undefined) this.#more = [this.#first, chunk];
    else this.#more.push(chunk);
  }

  onEnd(): void {
    if (!this.#isReading) return;
    if (this.#more) this.#finish(Buffer.concat(this.#more));
    else this.#finish(this.#first ? ownMemory(this.#first) : Buffer.alloc(0));
  }

  onBroken(): void {
    if (this.#isReading) this.#finish(undefined);
  }

  #finish(result: Buffer | Refusal | undefined): void {
    this.#isReading = false;
    this.#exchange.cancelBody = undefined;
    this.#room.finished(this.#exchange);
    this.#first = undefined;
    this.#more = undefined;
    const resolve = this.#resolve;
    this.#resolve = undefined;
    if (resolve) resolve(result);
    else this.#result = result;
  }
}

/** A small body that is part of a larger buffer (a socket's, say) would keep all of that alive for as long as it waits. */
function ownMemory(chunk: Buffer): Buffer {
  return chunk.byteLength >= chunk.buffer.byteLength / 2 ? chunk : Buffer.from(chunk);
}

function tooLarge({ maxBodyBytes }: BodyLimits): Refusal {
  return { code: 'body_too_large', detail: `A body may have at most ${maxBodyBytes} bytes (RECEIVER_MAX_BODY).` };
}

export function overloaded(): Refusal {
  return { code: 'overloaded', detail: 'Too many bytes wait for the log; send this again in a moment.' };
}
