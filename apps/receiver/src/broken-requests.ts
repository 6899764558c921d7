import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Logger } from '@kero/runtime';
import { headerLines } from './answer-kind.ts';
import type { Connections } from './connections.ts';
import { httpProblems, problemBody, type Refusal } from './http-problems.ts';
import { type HeadLimits, headersTooLarge } from './limits/check-head.ts';
import type { ReceiverCounts } from './receiver-counts.ts';
import { requestIdOf } from './request-id.ts';
import { logRefusal } from './responses.ts';

/** How long a client is listened to after it was told that its request is broken (see linger in responses.ts). */
const LINGER_MS = 1000;

interface RawAnswerDeps {
  readonly connections: Connections;
  readonly counts: ReceiverCounts;
  readonly logger: Logger;
  readonly limits: HeadLimits;
}

/**
 * Handles `clientError`: bytes that are not HTTP, requests that come too slowly, connections that break.
 *
 * A connection may have requests that wait for the log when the bytes behind them turn out to be garbage. Then nothing is
 * written past them: the client would take the 400 for their answer, and they may well be stored.
 */
export function createBrokenRequestHandler(
  options: RawAnswerDeps,
): (error: NodeJS.ErrnoException, socket: Socket) => void {
  const { connections, limits } = options;
  const refuseRaw = createRefuseRaw(options);
  return (error, socket) => {
    const connection = connections.of(socket);
    const refusal = refusalOf(error, limits);
    if (!connection || !refusal || !socket.writable) {
      socket.destroy();
      return;
    }
    if (connection.broken) return;
    connection.broken = true;

    const { latest, pending } = connection;
    if (latest?.cancelBody && !latest.body.complete) return latest.cancelBody(refusal);
    if (latest && (pending > 0 || !latest.response.writableFinished)) {
      latest.response.shouldKeepAlive = false;
      // It may have said already that the connection stays open.
      latest.response.once('close', () => socket.destroySoon());
      return;
    }
    // Either the rest of a body that is refused already, or a connection that never sent a byte: nobody waits.
    if (latest?.body.complete === false || socket.bytesRead === 0) {
      socket.destroy();
      return;
    }
    refuseRaw(socket, refusal, requestIdOf(undefined));
  };
}

/**
 * Handles `connect`: Node hands the bare connection of a CONNECT request over and would otherwise end it without a word.
 * Behind requests that wait for the log it gets no answer, for the reason above: theirs are the last.
 */
export function createConnectHandler(options: RawAnswerDeps): (request: IncomingMessage, socket: Duplex) => void {
  const { connections } = options;
  const refuseRaw = createRefuseRaw(options);
  return (request, duplex) => {
    const socket = duplex as Socket;
    // Node has taken its own listeners away: without one, a reset would end the process.
    socket.on('error', () => {});
    const { latest, pending = 0 } = connections.of(socket) ?? {};
    if (latest && pending > 0) latest.response.shouldKeepAlive = false;
    else refuseRaw(socket, NO_PROXY, requestIdOf(request.headers['x-request-id']));
  };
}

const NO_PROXY: Refusal = {
  code: 'method_not_allowed',
  detail: 'This is not a proxy: CONNECT is not served. Events go to POST /api/v1/events, see /docs.',
  headers: ['allow', 'GET, HEAD, POST'],
};

function createRefuseRaw({ counts, logger }: RawAnswerDeps) {
  return (socket: Socket, refusal: Refusal, requestId: string): void => {
    counts.rejected[refusal.code]++;
    logRefusal(logger, refusal, requestId);
    socket.end(rawAnswer(refusal, requestId));
    socket.resume();
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.once('close', () => clearTimeout(timer));
  };
}

/** Undefined where the connection itself is gone. */
function refusalOf(error: NodeJS.ErrnoException, limits: HeadLimits): Refusal | undefined {
  const { code = '' } = error;
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return { code: 'request_timeout', detail: 'The request did not arrive in time. Nothing of it was stored.' };
  }
  if (code === 'HPE_HEADER_OVERFLOW') return headersTooLarge(limits);
  if (!code.startsWith('HPE_')) return undefined;
  return { code: 'malformed_request', detail: 'The request breaks the rules of HTTP/1.1. Nothing of it was stored.' };
}

function rawAnswer(refusal: Refusal, requestId: string): string {
  const { status } = httpProblems[refusal.code];
  const body = `${JSON.stringify(problemBody(refusal, requestId))}\n`;
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    'cache-control: no-store',
    'x-content-type-options: nosniff',
    `x-request-id: ${requestId}`,
    'connection: close',
    headerLines(refusal.headers ?? []),
  ];
  return `${lines.join('\r\n')}\r\n${body}`;
}
