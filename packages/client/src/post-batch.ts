import { type BatchOutcome, readAnswer } from './answer.ts';
import { compress, isWorthCompressing } from './gzip.ts';
import type { ClientSettings } from './options.ts';

/**
 * Sends lines of NDJSON as one request. Never rejects: what goes wrong is an outcome for every item. `giveUp` ends it early.
 */
export type PostBatch = (lines: readonly Uint8Array[], giveUp: AbortSignal) => Promise<BatchOutcome>;

type TransportSettings = Pick<ClientSettings, 'endpoint' | 'credential' | 'gzip' | 'requestTimeoutMs' | 'fetch'>;

/**
 * NDJSON rather than an array: a line that the receiver cannot read is that line's own problem, and every answer has the form of
 * a batch.
 */
export function createPostBatch(settings: TransportSettings): PostBatch {
  return async (lines, giveUp) => {
    // One controller instead of AbortSignal.any and AbortSignal.timeout, which Node 20.0 and older browsers do not have.
    const request = new AbortController();
    const attempt = { isSent: false };
    const ended = new Promise<never>((_, reject) => {
      request.signal.addEventListener('abort', () => reject(request.signal.reason));
    });
    const timer = setTimeout(() => {
      request.abort(new Error(`no answer within ${settings.requestTimeoutMs} ms`));
    }, settings.requestTimeoutMs);
    const end = () => request.abort(giveUp.reason);
    giveUp.addEventListener('abort', end);
    try {
      // A race, because neither a token function nor somebody's own fetch has to heed a signal.
      return await Promise.race([exchange(settings, lines, request.signal, attempt), ended]);
    } catch (error) {
      const item = { kind: 'again', mayBeStored: attempt.isSent, cause: error } as const;
      return { items: lines.map(() => item), tooLarge: false };
    } finally {
      clearTimeout(timer);
      giveUp.removeEventListener('abort', end);
    }
  };
}

async function exchange(
  settings: TransportSettings,
  lines: readonly Uint8Array[],
  signal: AbortSignal,
  attempt: { isSent: boolean },
): Promise<BatchOutcome> {
  const headers: Record<string, string> = { 'content-type': 'application/x-ndjson' };
  if (settings.credential) headers.authorization = `Bearer ${await settings.credential()}`;
  let body = concatenate(lines);
  if (isWorthCompressing(settings.gzip, body.length)) {
    body = await compress(body);
    headers['content-encoding'] = 'gzip';
  }
  if (signal.aborted) throw signal.reason;
  attempt.isSent = true;
  // A followed redirect would turn the POST into a GET; as it is, the answer says what is wrong.
  const response = await settings.fetch(settings.endpoint, {
    method: 'POST',
    headers,
    body,
    signal,
    redirect: 'manual',
  });
  const { status } = response;
  const text = await response.text().catch((error: unknown) => {
    // A no is a no, also when its explanation was cut off.
    if (status >= 400 && status < 500) return '';
    throw error;
  });
  return readAnswer({ status, headers: response.headers, text }, lines.length, Date.now());
}

function concatenate(lines: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(lines.reduce((sum, line) => sum + line.length, 0));
  let offset = 0;
  for (const line of lines) {
    bytes.set(line, offset);
    offset += line.length;
  }
  return bytes;
}
