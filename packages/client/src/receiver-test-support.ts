import type { TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { Client } from './client.ts';
import type { ClientOptions } from './options.ts';

/** One request that a client made. */
export interface SeenRequest {
  readonly url: string;
  readonly headers: Headers;
  readonly redirect?: string | undefined;
  /** The lines of its body. */
  readonly lines: readonly string[];
  /** Those lines, parsed. */
  readonly events: readonly Readonly<Record<string, unknown>>[];
}

export type AnswerTo = (request: SeenRequest, index: number) => Response | Promise<Response>;

/** A `fetch` that answers as a script says, and remembers what it was asked. After the script it accepts everything. */
export function scriptedFetch(...script: readonly AnswerTo[]) {
  const requests: SeenRequest[] = [];
  let inFlight = 0;
  let mostInFlight = 0;
  const fetch = async (url: string, init: RequestInit): Promise<Response> => {
    const headers = new Headers(init.headers);
    const bytes = Buffer.from(init.body as Uint8Array);
    const text = (headers.get('content-encoding') === 'gzip' ? gunzipSync(bytes) : bytes).toString('utf8');
    const lines = text.split('\n').filter((line) => line !== '');
    const request = { url, headers, redirect: init.redirect, lines, events: lines.map((line) => JSON.parse(line)) };
    const index = requests.push(request) - 1;
    mostInFlight = Math.max(mostInFlight, ++inFlight);
    try {
      return await (script[index] ?? accepted)(request, index);
    } finally {
      inFlight--;
    }
  };
  return { fetch, requests, mostInFlight: () => mostInFlight };
}

export const idOf = (event: Readonly<Record<string, unknown>>) => `id-of-${event.event_id}`;

export const accepted: AnswerTo = ({ events }) =>
  Response.json({ status: 'accepted', accepted: events.length, rejected: 0, ids: events.map(idOf) }, { status: 202 });

/** A problem for the whole request. */
export function problem(status: number, code: string, headers: Record<string, string> = {}): AnswerTo {
  return () =>
    Response.json(
      { type: `urn:kero:problem:${code}`, title: code, status, detail: `because of ${code}`, request_id: 'r-1' },
      { status, headers: { 'content-type': 'application/problem+json', 'x-request-id': 'r-1', ...headers } },
    );
}

export type ItemVerdict = 'accepted' | 'refused' | 'again';

/** An answer in the form that the receiver gives to a batch, by a verdict for each item. */
export function verdicts(decide: (event: Readonly<Record<string, unknown>>, index: number) => ItemVerdict): AnswerTo {
  return ({ events }) => {
    const all = events.map(decide);
    const count = all.filter((verdict) => verdict === 'accepted').length;
    if (count === events.length) return accepted({ url: '', headers: new Headers(), lines: [], events }, 0);
    const results = events.map((event, index) => {
      if (all[index] === 'accepted') return { index, status: 'accepted', id: idOf(event) };
      const status = all[index] === 'again' ? 503 : 422;
      const code = all[index] === 'again' ? 'log_unavailable' : 'invalid_event';
      const type = `urn:kero:problem:${code}`;
      return { index, status: 'rejected', problem: { type, status, detail: code, retryable: status === 503 } };
    });
    if (count > 0) return Response.json({ status: 'partial', accepted: count, results }, { status: 207 });
    const status = all.includes('again') ? 503 : 422;
    return Response.json({ type: `urn:kero:problem:none`, status, results }, { status });
  };
}

export const broken: AnswerTo = () => {
  throw new TypeError('fetch failed', { cause: new Error('ECONNRESET') });
};

export const silent: AnswerTo = () => new Promise(() => {});

export function event(eventId: string, members: Readonly<Record<string, unknown>> = {}) {
  return { event_id: eventId, user_id: 'user-1', event_type: 'view', event_data: { page: '/' }, ...members };
}

/** A client whose timers the test moves, and whose pauses are the longest that chance allows. */
export function clientUnderTest(t: TestContext, options: Partial<ClientOptions>, random = () => 1) {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: Date.parse('2026-11-23T10:00:00.000Z') });
  return new Client({ url: 'http://receiver.test', gzip: false, ...options }, { random });
}

/** Lets promises and the streams of responses go on as far as they can. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Moves the timers on, step by step, with everything that follows from each step. */
export async function advance(t: TestContext, ms: number, stepMs = ms): Promise<void> {
  await settle();
  for (let done = 0; done < ms; done += stepMs) {
    t.mock.timers.tick(Math.min(stepMs, ms - done));
    await settle();
  }
}

/** How a promise stands now, without waiting for it. */
export function watch<T>(promise: Promise<T>): { state: 'open' | 'ok' | 'failed'; value?: T; error?: unknown } {
  const watched: { state: 'open' | 'ok' | 'failed'; value?: T; error?: unknown } = { state: 'open' };
  promise.then(
    (value) => Object.assign(watched, { state: 'ok', value }),
    (error) => Object.assign(watched, { state: 'failed', error }),
  );
  return watched;
}
