import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from '@kero/runtime';
import type { Connections } from './connections.ts';
import { httpProblems, problemBody, type Refusal } from './http-problems.ts';
import type { ReceiverCounts } from './receiver-counts.ts';
import { requestIdOf } from './request-id.ts';
import { logRefusal } from './responses.ts';

/** How long a client is listened to after it was told that its request is broken (see linger in responses.ts). */
const LINGER_MS = 1000;

/**
 * Handles `clientError`: bytes that are not HTTP, requests that come too slowly, connections that break.
 *
 * A connection may have requests that wait for the log when the bytes behind them turn out to be garbage. Then nothing is
 * written past them: the client would take the 400 for their answer, and they may well be stored.
 */
export function createBrokenRequestHandler(options: {
  connections: Connections;
  counts: ReceiverCounts;
  logger: Logger;
}): (error: NodeJS.ErrnoException, socket: Socket) => void {
  const { connections, counts, logger } = options;
  return (error, socket) => {
    const connection = connections.of(socket);
    const refusal = refusalOf(error);
    if (!connection || !refusal || !socket.writable) {
      socket.destroy();
      return;
    }
    if (connection.broken) return;
    connection.broken = true;

    const { latest, pending } = connection;
    if (latest?.cancelBody && !latest.request.complete) return latest.cancelBody(refusal);
    if (latest && pending > 0) {
      latest.response.shouldKeepAlive = false;
      return;
    }
    // Either the rest of a body that is refused already, or a connection that never sent a byte: nobody waits.
    if (latest?.request.complete === false || socket.bytesRead === 0) {
      socket.destroy();
      return;
    }
    counts.rejected[refusal.code]++;
    const requestId = requestIdOf(undefined);
    logRefusal(logger, refusal, requestId);
    socket.end(rawAnswer(refusal, requestId));
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.once('close', () => clearTimeout(timer));
  };
}

/** Undefined where the connection itself is gone. */
function refusalOf(error: NodeJS.ErrnoException): Refusal | undefined {
  const { code = '' } = error;
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return { code: 'request_timeout', detail: 'The request did not arrive in time. Nothing of it was stored.' };
  }
  if (code === 'HPE_HEADER_OVERFLOW') {
    return { code: 'headers_too_large', detail: 'Request line and headers may have at most 16 KiB.' };
  }
  if (!code.startsWith('HPE_')) return undefined;
  return { code: 'malformed_request', detail: 'The request breaks the rules of HTTP/1.1. Nothing of it was stored.' };
}

function rawAnswer(refusal: Refusal, requestId: string): string {
  const { status } = httpProblems[refusal.code];
  const body = `${JSON.stringify(problemBody(refusal, requestId))}\n`;
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    'cache-control: no-store',
    'x-content-type-options: nosniff',
    `x-request-id: ${requestId}`,
    'connection: close',
    '',
    body,
  ].join('\r\n');
}
