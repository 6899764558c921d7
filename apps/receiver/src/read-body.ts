import type { Exchange } from './exchange.ts';
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
export async function readBody(
  exchange: Exchange,
  limits: BodyLimits,
  room: BytesInFlight,
): Promise<Buffer | Refusal | undefined> {
  const { request } = exchange;
  const declared = request.headers['content-length'];
  if (declared !== undefined && Number(declared) > limits.maxBodyBytes) return tooLarge(limits);
  if (room.isFull(1)) return overloaded();
  if (exchange.expectsContinue) exchange.response.writeContinue();

  return new Promise((resolve) => {
    let first: Buffer | undefined;
    let more: Buffer[] | undefined;
    let reading = true;
    const finish = (result: Buffer | Refusal | undefined) => {
      reading = false;
      exchange.cancelBody = undefined;
      room.finished(exchange);
      resolve(result);
      first = undefined;
      more = undefined;
    };
    exchange.cancelBody = finish;
    request.on('data', (chunk: Buffer) => {
      if (!reading) return;
      exchange.bytesReceived += chunk.length;
      if (exchange.bytesReceived > limits.maxBodyBytes) return finish(tooLarge(limits));
      room.hold(exchange, chunk.length);
      // A body that comes in one piece, like nearly all, is complete already.
      if (request.complete) room.finished(exchange);
      else room.unfinished(exchange);
      if (room.isFull()) {
        // It may have been the one that was ended, to make room.
        if (reading) finish(overloaded());
        return;
      }
      if (!reading) return;
      if (first === undefined) first = chunk;
      else if (more === undefined) more = [first, chunk];
      else more.push(chunk);
    });
    request.on('end', () => {
      if (reading) finish(more ? Buffer.concat(more) : first ? ownMemory(first) : Buffer.alloc(0));
    });
    request.on('error', () => {
      if (reading) finish(undefined);
    });
  });
}

/** A small body that is part of a larger buffer (a socket's, say) would keep all of that alive for as long as it waits. */
function ownMemory(chunk: Buffer): Buffer {
  return chunk.byteLength === chunk.buffer.byteLength ? chunk : Buffer.from(chunk);
}

function tooLarge({ maxBodyBytes }: BodyLimits): Refusal {
  return { code: 'body_too_large', detail: `A body may have at most ${maxBodyBytes} bytes (RECEIVER_MAX_BODY).` };
}

export function overloaded(): Refusal {
  return { code: 'overloaded', detail: 'Too many bytes wait for the log; send this again in a moment.' };
}
