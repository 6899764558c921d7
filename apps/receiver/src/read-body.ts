import type { Exchange } from './exchange.ts';
import type { Refusal } from './http-problems.ts';
import type { ReceiverCounts } from './receiver-counts.ts';

export interface BodyLimits {
  readonly maxBodyBytes: number;
  readonly maxBytesInFlight: number;
}

/**
 * Reads the body of a request: its bytes, or why it is refused, or undefined when the client left before its end (then
 * there is nobody to answer). The limits hold for the bytes that arrive, whatever Content-Length says. What it holds is
 * added to `counts.bytesInFlight` and to the exchange, which gives it back when it is done.
 */
export async function readBody(
  exchange: Exchange,
  limits: BodyLimits,
  counts: ReceiverCounts,
): Promise<Buffer | Refusal | undefined> {
  const { request } = exchange;
  const declared = request.headers['content-length'];
  if (declared !== undefined && Number(declared) > limits.maxBodyBytes) return tooLarge(limits);
  if (counts.bytesInFlight >= limits.maxBytesInFlight) return overloaded();
  if (exchange.expectsContinue) exchange.response.writeContinue();

  return new Promise((resolve) => {
    let first: Buffer | undefined;
    let more: Buffer[] | undefined;
    let reading = true;
    const finish = (result: Buffer | Refusal | undefined) => {
      reading = false;
      exchange.cancelBody = undefined;
      resolve(result);
    };
    exchange.cancelBody = finish;
    request.on('data', (chunk: Buffer) => {
      if (!reading) return;
      hold(exchange, counts, chunk.length);
      if (exchange.bodyBytes > limits.maxBodyBytes) return finish(tooLarge(limits));
      if (counts.bytesInFlight > limits.maxBytesInFlight) return finish(overloaded());
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

/** So many bytes more are kept for this exchange. */
export function hold(exchange: Exchange, counts: ReceiverCounts, bytes: number): void {
  exchange.bodyBytes += bytes;
  counts.bytesInFlight += bytes;
}

/** So many bytes fewer are kept for it; what is left is given back when it is done. */
export function release(exchange: Exchange, counts: ReceiverCounts, bytes: number): void {
  hold(exchange, counts, -bytes);
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
