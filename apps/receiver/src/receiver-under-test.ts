import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Authenticator } from '@kero/auth';
import { eventSettings } from '@kero/events';
import { type LogRecord, type Messaging, openMessaging, type Producer } from '@kero/messaging';
import { createLogger, Health, loadSettings } from '@kero/runtime';
import type { SchemaSource } from '@kero/schemas';
import { createReceiver, type Receiver } from './app.ts';
import { rateLimitSettings } from './limits/rate-limit-settings.ts';
import { createRateLimits } from './limits/rate-limits.ts';
import { receiverSettings } from './receiver-settings.ts';
import type { CertificateAndKey } from './server.ts';

export const NOW_MS = Date.parse('2026-11-23T10:00:00.500Z');

export const EVENT = {
  user_id: 'user-1',
  event_type: 'purchase',
  event_timestamp: '2026-11-23T09:59:58.123456Z',
  event_data: { item_id: '42', price: 19.9 },
};

export interface TestOptions {
  /** Settings as a person would write them. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly maxRecordBytes?: number;
  /** Puts something between the receiver and the log. */
  readonly wrapProducer?: (producer: Producer) => Producer;
  /** The built-in ones by default. */
  readonly schemas?: SchemaSource;
  /** The clock of the rate limits; milliseconds. */
  readonly monotonicMs?: () => number;
  readonly certificate?: CertificateAndKey;
  /** Who may send; everybody by default. Disposed by whoever made it. */
  readonly auth?: Authenticator | undefined;
  readonly withoutLane?: boolean;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON. */
  readonly json: Record<string, unknown>;
}

/** A problem's members that tests look at. */
export interface ProblemAnswer {
  readonly type: string;
  readonly status: number;
  readonly detail: string;
  readonly request_id: string;
  readonly errors?: readonly { readonly pointer: string; readonly code: string; readonly detail: string }[];
}

/** A receiver that listens on a free port, in front of a real embedded log in a temporary folder. */
export interface ReceiverUnderTest {
  readonly receiver: Receiver;
  readonly health: Health;
  readonly port: number;
  readonly url: string;
  /** What was logged, parsed. */
  readonly logLines: readonly Record<string, unknown>[];
  request(path: string, init?: RequestInit): Promise<Answer>;
  post(body: string | Buffer, headers?: Record<string, string>): Promise<Answer>;
  /** Stops everything, then reads the whole log. */
  records(): Promise<LogRecord[]>;
}

export async function startTestReceiver(t: TestContext, options: TestOptions = {}): Promise<ReceiverUnderTest> {
  const directory = mkdtempSync(join(tmpdir(), 'kero-receiver-'));
  const logLines: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => void logLines.push(JSON.parse(line)) };
  const logger = createLogger({ level: 'debug', format: 'json', name: 'test', destination });
  const { values } = loadSettings(
    { receiver: receiverSettings, rateLimits: rateLimitSettings, events: eventSettings },
    { environment: options.settings ?? {} },
  );
  const config = {
    driver: 'embedded',
    directory,
    retentionMs: 86_400_000,
    maxRecordBytes: options.maxRecordBytes ?? 4 * 1024 ** 2,
  } as const;
  const messaging = await openMessaging(config, { logger });
  const producer = await messaging.producer();
  const health = new Health();
  const receiver = createReceiver({
    producer: options.wrapProducer?.(producer) ?? producer,
    settings: values.receiver,
    eventSettings: values.events,
    admission: createRateLimits(values.rateLimits, options.monotonicMs ?? (() => performance.now())),
    certificate: options.certificate,
    auth: options.auth,
    withoutLane: options.withoutLane,
    ...(options.schemas && { schemas: options.schemas }),
    health,
    logger,
    now: () => NOW_MS,
  });
  receiver.server.listen(0, '127.0.0.1');
  await once(receiver.server, 'listening');
  const { port } = receiver.server.address() as AddressInfo;
  const url = `${options.certificate ? 'https' : 'http'}://127.0.0.1:${port}`;

  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= (async () => {
      await receiver.stop();
      await producer.close();
      await messaging.close();
    })();
    return stopped;
  };
  t.after(async () => {
    await stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const request = async (path: string, init?: RequestInit): Promise<Answer> => {
    const response = await fetch(`${url}${path}`, init);
    const text = await response.text();
    const json = /json/.test(response.headers.get('content-type') ?? '') && text !== '' ? JSON.parse(text) : {};
    return { status: response.status, headers: response.headers, text, json };
  };
  return {
    receiver,
    health,
    port,
    url,
    logLines,
    request,
    post: (body, headers = {}) =>
      request('/api/v1/events', {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : new Uint8Array(body),
      }),
    async records() {
      await stop();
      const again = await openMessaging(config, { logger });
      try {
        return await readWholeLog(again);
      } finally {
        await again.close();
      }
    },
  };
}

/** So many keys that every partition gets some of them. */
const MARKS = 100;

/** Everything in a log: what is before marks that are appended now to every partition. */
async function readWholeLog(messaging: Messaging): Promise<LogRecord[]> {
  const mark = randomUUID();
  const marks = Array.from({ length: MARKS }, (_, n) => ({
    key: Buffer.from(`${mark}-${n}`),
    value: Buffer.from(mark),
    headers: [],
  }));
  const producer = await messaging.producer();
  await producer.append(marks, { deadlineMs: 10_000 });

  const records: LogRecord[] = [];
  let marksLeft = MARKS;
  const enough = new AbortController();
  const consumer = await messaging.consumer('reader');
  for await (const batch of consumer.read({ stop: enough.signal, maxRecords: 10_000, maxBytes: 16 * 1024 ** 2 })) {
    for (const record of batch.records) {
      if (record.value?.toString() === mark) marksLeft--;
      else records.push(record);
    }
    batch.commit();
    if (marksLeft === 0) enough.abort();
  }
  return records;
}

/** Checks that an answer is a problem in every respect, and gives it. */
export function problemOf(answer: Answer, status: number, code: string): ProblemAnswer {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.headers.get('content-type'), 'application/problem+json');
  const problem = answer.json as unknown as ProblemAnswer;
  assert.equal(problem.type, `urn:kero:problem:${code}`);
  assert.equal(problem.status, status);
  assert.equal(problem.request_id, answer.headers.get('x-request-id'));
  return problem;
}

/** A connection that sends what no HTTP client would. */
export interface RawConnection {
  readonly socket: Socket;
  send(bytes: string | Buffer): void;
  received(): string;
  /** Waits until what was received matches, and gives the match. */
  until(pattern: RegExp): Promise<RegExpExecArray>;
  /** Resolves when the receiver has closed the connection. */
  readonly closed: Promise<void>;
}

export async function rawConnection(t: TestContext, port: number): Promise<RawConnection> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  const waiting = new Set<() => void>();
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
    for (const look of waiting) look();
  });
  // A reset is one of the ways in which the receiver may end the connection.
  socket.on('error', () => {});
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  return {
    socket,
    send: (bytes) => void socket.write(bytes),
    received: () => text,
    closed,
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const match = pattern.exec(text);
          if (!match) return;
          waiting.delete(look);
          resolve(match);
        };
        waiting.add(look);
        void closed.then(() => reject(new Error(`closed before ${pattern}; received: ${text}`)));
        look();
      }),
  };
}

/** The log, except that it confirms only when it is told to. */
export function confirmingLater() {
  const waiting: (() => void)[] = [];
  const wrapProducer = (producer: Producer): Producer => ({
    async append(records, options) {
      await new Promise<void>((resolve) => waiting.push(resolve));
      await producer.append(records, options);
    },
    health: () => producer.health(),
    close: () => producer.close(),
  });
  return { wrapProducer, waiting };
}

/** The head of a POST of events, up to the empty line. */
export function postHead(...headers: string[]): string {
  const lines = ['POST /api/v1/events HTTP/1.1', 'host: test', 'content-type: application/json', ...headers];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** Waits for a condition that becomes true soon. */
export async function untilTrue(condition: () => boolean): Promise<void> {
  const giveUp = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > giveUp) throw new Error(`waited in vain for ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
