import { Agent, type IncomingMessage, request } from 'node:http';
import type { Outcome } from '../ledger-format.ts';

/** Longer than the receiver takes to say that the log is down. */
const TIMEOUT_MS = 20_000;

export interface Answer {
  readonly outcome: Outcome;
  readonly status?: number;
  readonly id?: string;
  readonly why?: string;
}

/** The connections of one client of the HTTP API. Never rejects: no answer is an answer too. */
export class HttpClient implements Disposable {
  readonly #keepAlive = new Agent({ keepAlive: true, maxSockets: 8 });
  readonly #closing = new Agent({ keepAlive: false });

  post(url: string, body: Buffer, { keepAlive }: { keepAlive: boolean }): Promise<Answer> {
    return new Promise((resolve) => {
      const sent = request(`${url}/api/v1/events`, {
        method: 'POST',
        agent: keepAlive ? this.#keepAlive : this.#closing,
        headers: { 'content-type': 'application/json', 'content-length': body.length },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      const unknown = (error: Error & { code?: string }) =>
        resolve({ outcome: 'unknown', why: error.code ?? error.name });
      sent.once('error', unknown);
      sent.once('response', (response) => {
        readText(response).then((text) => resolve(answerOf(response.statusCode ?? 0, text)), unknown);
      });
      sent.end(body);
    });
  }

  [Symbol.dispose](): void {
    this.#keepAlive.destroy();
    this.#closing.destroy();
  }
}

async function readText(response: IncomingMessage): Promise<string> {
  response.setEncoding('utf8');
  let text = '';
  for await (const chunk of response) text += chunk;
  return text;
}

function answerOf(status: number, text: string): Answer {
  const found = parse(text);
  if (status >= 200 && status < 300) {
    // The promise hangs on the status alone; the id of the answer is compared later.
    return { outcome: 'ok', status, ...(typeof found.id === 'string' ? { id: found.id } : {}) };
  }
  const why = typeof found.type === 'string' ? found.type.replace('urn:kero:problem:', '') : text.slice(0, 200);
  return { outcome: status >= 400 && status < 500 ? 'no' : 'unknown', status, why };
}

function parse(text: string): Record<string, unknown> {
  try {
    const found: unknown = JSON.parse(text);
    return typeof found === 'object' && found !== null ? (found as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
