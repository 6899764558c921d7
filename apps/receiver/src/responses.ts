import type { Logger } from '@kero/runtime';
import { answerKinds } from './answer-kind.ts';
import type { Exchange } from './exchange.ts';
import { type HttpProblemCode, httpProblems, problemBody, type Refusal } from './http-problems.ts';
import type { ReceiverCounts } from './receiver-counts.ts';

/** On every answer: none of them may be cached, or read as another type than it says. */
const COMMON_HEADERS = ['cache-control', 'no-store', 'x-content-type-options', 'nosniff'];

/** A refused body that is at most this long is read to its end, so that the connection can be used again. */
const DISCARD_BYTES = 64 * 1024;

/** How long, and how many bytes, a client that goes on sending is listened to so that it can read the answer. */
const LINGER_MS = 1000;
const LINGER_BYTES = 16 * 1024 ** 2;

const jsonAnswer = answerKinds(['content-type', 'application/json', ...COMMON_HEADERS]);
const problemAnswer = answerKinds(['content-type', 'application/problem+json', ...COMMON_HEADERS]);

export function sendJson({ response, headers }: Exchange, status: number, json: string | Buffer): void {
  response.send(jsonAnswer(status), headers, json);
}

/** Answers with a problem, counts it and writes its log line. Does nothing where the answer has begun already. */
export type Refuse = (exchange: Exchange, refusal: Refusal, cause?: unknown) => Promise<void> | void;

export function createRefuse({ logger, counts }: { logger: Logger; counts: ReceiverCounts }): Refuse {
  return (exchange, refusal, cause) => {
    if (exchange.response.headersSent) return;
    counts.rejected[refusal.code]++;
    logRefusal(logger, withClient(refusal, exchange), exchange.requestId, cause);
    return sendProblem(exchange, refusal);
  };
}

/** Whose request was refused belongs in the line: the key, and where the address matters, that. */
function withClient(refusal: Refusal, { clientId, address }: Exchange): Refusal {
  const byAddress = refusal.code === 'unauthorized' || refusal.code === 'rate_limited';
  if (clientId === undefined && !byAddress) return refusal;
  return { ...refusal, log: { ...refusal.log, ...(clientId && { clientId }), ...(byAddress && { address }) } };
}

/** One line a refused request. It holds codes and never the details, which may quote the body. */
export function logRefusal(logger: Logger, refusal: Refusal, requestId: string, cause?: unknown): void {
  const { status, title } = httpProblems[refusal.code];
  const problems = refusal.errors && [...new Set(refusal.errors.map(({ code }) => code))];
  const line = { requestId, status, code: refusal.code, problems, ...refusal.log };
  const withReason = cause === undefined ? line : { ...line, reason: reasonOf(cause) };
  if (status === 500) logger.error({ ...line, err: cause }, title);
  // Shedding load must stay cheap, an outage has its own lines, and what is not aimed at events is noise.
  else if (QUIET.has(refusal.code)) logger.debug(withReason, title);
  else logger.info(withReason, title);
}

const QUIET: ReadonlySet<HttpProblemCode> = new Set([
  'not_found',
  'method_not_allowed',
  'malformed_request',
  'url_too_long',
  'headers_too_large',
  'rate_limited',
  'request_timeout',
  'overloaded',
  'log_overloaded',
  'log_unavailable',
  'auth_unavailable',
  'stopping',
]);

/** The same for a batch of which some items were refused: one line, whatever their number. */
export function logOutcome(
  logger: Logger,
  { cause, rejected, ...line }: BatchLine & { readonly cause: unknown },
): void {
  const codes = Object.keys(rejected) as HttpProblemCode[];
  const withReason = { ...line, rejected, ...(cause !== undefined && { reason: reasonOf(cause) }) };
  if (codes.some((code) => httpProblems[code].status === 500)) {
    logger.error({ ...line, rejected, err: cause }, 'events of a batch failed');
  } else if (codes.every((code) => QUIET.has(code))) logger.debug(withReason, 'events of a batch were refused');
  else logger.info(withReason, 'events of a batch were refused');
}

interface BatchLine {
  readonly requestId: string;
  readonly clientId: string | undefined;
  readonly status: number;
  readonly accepted: number;
  readonly rejected: Readonly<Partial<Record<HttpProblemCode, number>>>;
  /** The codes of the errors in their problems. */
  readonly problems: readonly string[];
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** Answers with a problem, uncounted. `members`: further ones of its object, as JSON text without the braces. */
export function sendProblem(exchange: Exchange, refusal: Refusal, members?: string): Promise<void> | void {
  const { response, requestId } = exchange;
  const definition: { status: number; retryAfterSeconds?: number } = httpProblems[refusal.code];
  const problem = JSON.stringify(problemBody(refusal, requestId));
  const body = members === undefined ? `${problem}\n` : `${problem.slice(0, -1)},${members}}\n`;
  const kind = problemAnswer(definition.status);
  const headers = [...exchange.headers, ...(refusal.headers ?? [])];
  const retryAfterSeconds = refusal.retryAfterSeconds ?? definition.retryAfterSeconds;
  if (retryAfterSeconds !== undefined) headers.push('retry-after', String(retryAfterSeconds));

  const then = afterAnswer(exchange, refusal.code);
  if (then !== 'keep') response.shouldKeepAlive = false;
  if (then !== 'linger') {
    response.send(kind, headers, body);
    return;
  }
  response.begin(kind, headers, body);
  return linger(exchange);
}

/** What becomes of the connection after a refusal, while a part of the body may still be on its way. */
function afterAnswer({ body }: Exchange, code: HttpProblemCode): 'keep' | 'close' | 'linger' {
  // Where it ends, and the next request begins, may be a matter of opinion.
  if (code === 'malformed_request') return 'close';
  if (body.complete) return 'keep';
  // Who was not told to continue may leave the body out: nobody knows where the next request begins.
  if (body.isAwaited || body.destroyed) return 'close';
  if (code === 'request_timeout') return 'close';
  return body.declaredBytes !== undefined && body.declaredBytes <= DISCARD_BYTES ? 'keep' : 'linger';
}

/**
 * Reads on for a moment after the whole answer is written. Closing at once would reset the connection while the client
 * is still sending, and a reset throws away the answer that it has not read yet.
 */
async function linger({ body, response }: Exchange): Promise<void> {
  await new Promise<void>((resolve) => {
    let left = LINGER_BYTES;
    const timer = setTimeout(resolve, LINGER_MS);
    response.once('close', () => clearTimeout(timer));
    body.listen({
      onData(chunk) {
        left -= chunk.length;
        if (left < 0) resolve();
      },
      onEnd: resolve,
      onBroken: resolve,
    });
  });
  response.end();
}
