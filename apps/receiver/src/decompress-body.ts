import type { Transform } from 'node:stream';
import {
  brotliDecompressSync,
  constants,
  createBrotliDecompress,
  createGunzip,
  createZstdDecompress,
  gunzipSync,
  zstdDecompressSync,
} from 'node:zlib';
import type { Compression } from './content-encoding.ts';
import type { Exchange } from './exchange.ts';
import type { Refusal } from './http-problems.ts';
import type { BytesInFlight } from './limits/bytes-in-flight.ts';
import { overloaded } from './read-body.ts';

export interface DecompressionLimits {
  readonly maxBodyBytes: number;
  readonly maxDecompressedBytes: number;
  readonly maxRatio: number;
}

/**
 * Up to here the work is done at once: a way through the thread pool would take longer than it. Both are needed: 16 KiB of
 * brotli can be gigabytes.
 */
const AT_ONCE_INPUT_BYTES = 16 * 1024;
const AT_ONCE_OUTPUT_BYTES = 128 * 1024;

const CHUNK_BYTES = 64 * 1024;

/** RFC 9659: a receiver needs no window of more than 8 MiB. Without a limit a frame of a few bytes may ask for 128 MiB. */
const ZSTD_WINDOW_LOG = 23;

/**
 * Decompresses a body that was read: its bytes, or why it is refused, or undefined when the client left meanwhile. Memory is
 * bounded whatever the body is a bomb of: it never holds more than the limits allow, and what it holds counts as in flight
 * (the compressed bytes until the end, then the decompressed ones alone).
 */
export async function decompressBody(
  exchange: Exchange,
  body: Buffer,
  compression: Compression,
  limits: DecompressionLimits,
  room: BytesInFlight,
): Promise<Buffer | Refusal | undefined> {
  if (body.length === 0) return body;
  const maxBytes = maxOutputBytes(body.length, limits);
  let result: Buffer | Refusal | undefined | 'later' = 'later';
  if (body.length <= AT_ONCE_INPUT_BYTES) {
    result = decompressAtOnce(body, compression, maxBytes, limits);
    if (Buffer.isBuffer(result)) {
      room.hold(exchange, result.length);
      if (room.isFull()) return overloaded();
    }
  }
  if (result === 'later') result = await decompressInPieces(exchange, body, compression, maxBytes, limits, room);
  room.hold(exchange, -body.length);
  return result;
}

/** What could have been sent uncompressed is never refused for its ratio. */
function maxOutputBytes(inputBytes: number, { maxBodyBytes, maxDecompressedBytes, maxRatio }: DecompressionLimits) {
  return Math.min(maxDecompressedBytes, Math.max(maxBodyBytes, inputBytes * maxRatio));
}

const OPTIONS = { chunkSize: CHUNK_BYTES, rejectGarbageAfterEnd: true };
const ZSTD_OPTIONS = { ...OPTIONS, params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG } };

function decompressAtOnce(
  body: Buffer,
  compression: Compression,
  maxBytes: number,
  limits: DecompressionLimits,
): Buffer | Refusal | 'later' {
  const maxOutputLength = Math.min(maxBytes, AT_ONCE_OUTPUT_BYTES);
  try {
    if (compression === 'gzip') return gunzipSync(body, { ...OPTIONS, maxOutputLength });
    if (compression === 'br') return brotliDecompressSync(body, { ...OPTIONS, maxOutputLength });
    return zstdDecompressSync(body, { ...ZSTD_OPTIONS, maxOutputLength });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_BUFFER_TOO_LARGE') return damaged(compression, error);
    return maxOutputLength < maxBytes ? 'later' : tooLarge(body.length, limits);
  }
}

function createDecompressor(compression: Compression): Transform {
  if (compression === 'gzip') return createGunzip(OPTIONS);
  return compression === 'br' ? createBrotliDecompress(OPTIONS) : createZstdDecompress(ZSTD_OPTIONS);
}

/** In the thread pool, piece by piece, so that the limits are looked at between. */
function decompressInPieces(
  exchange: Exchange,
  body: Buffer,
  compression: Compression,
  maxBytes: number,
  limits: DecompressionLimits,
  room: BytesInFlight,
): Promise<Buffer | Refusal | undefined> {
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    let bytes = 0;
    const decompressor = createDecompressor(compression);
    const onLeft = () => finish(undefined);
    const finish = (result: Buffer | Refusal | undefined) => {
      exchange.cancelBody = undefined;
      exchange.response.off('close', onLeft);
      resolve(result);
      decompressor.destroy();
    };
    exchange.cancelBody = finish;
    exchange.response.once('close', onLeft);
    decompressor.on('data', (piece: Buffer) => {
      bytes += piece.length;
      room.hold(exchange, piece.length);
      if (bytes > maxBytes) return finish(tooLarge(body.length, limits));
      if (room.isFull()) return finish(overloaded());
      pieces.push(piece);
    });
    decompressor.once('end', () => finish(Buffer.concat(pieces, bytes)));
    // May come after the end, when the decompressor is destroyed: then nothing waits for it any more.
    decompressor.on('error', (error) => finish(damaged(compression, error)));
    decompressor.end(body);
  });
}

/** Names the limit that a body of this size met. */
function tooLarge(inputBytes: number, limits: DecompressionLimits): Refusal {
  const { maxDecompressedBytes, maxRatio } = limits;
  if (maxOutputBytes(inputBytes, limits) === maxDecompressedBytes) {
    const detail = `Decompressed, a body may have at most ${maxDecompressedBytes} bytes (RECEIVER_MAX_DECOMPRESSED).`;
    return { code: 'body_too_large', detail };
  }
  const detail = `Decompressed, a body may be at most ${maxRatio} times as large as it was sent (RECEIVER_MAX_RATIO); this one had ${inputBytes} bytes.`;
  return { code: 'body_too_large', detail };
}

function damaged(compression: Compression, error: unknown): Refusal {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (/MEM_ERROR|ALLOC|memory_allocation/.test(code)) return overloaded();
  const what =
    code === 'ERR_TRAILING_JUNK_AFTER_STREAM_END'
      ? 'there are more bytes behind its end'
      : code === 'Z_BUF_ERROR'
        ? 'it ends too early'
        : code === 'ZSTD_error_frameParameter_windowTooLarge'
          ? 'its window is larger than 8 MiB'
          : 'it is damaged, or something else';
  return { code: 'invalid_compression', detail: `The body is not one whole ${compression} stream: ${what}.` };
}
