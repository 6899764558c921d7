import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { describe, type TestContext, test } from 'node:test';
import type { Authenticator, Verdict } from '@kero/auth';
import { authUnderTest } from '../auth-under-test.ts';
import {
  confirmingLater,
  EVENT,
  postHead,
  rawConnection,
  startTestReceiver,
  type TestOptions,
  untilTrue,
} from '../receiver-under-test.ts';

const BODY = JSON.stringify(EVENT);
const WHOLE = postHead(`content-length: ${BODY.length}`) + BODY;
const ACCEPTED = /HTTP\/1\.1 202 /g;

/** A receiver, and how many requests node:http had to read. */
async function start(t: TestContext, options: TestOptions = {}) {
  const kero = await startTestReceiver(t, options);
  let byNode = 0;
  kero.receiver.server.on('request', () => byNode++);
  return { kero, byNode: () => byNode };
}

describe('the lane serves', () => {
  test('what usual clients send, without node:http', async (t) => {
    const { kero, byNode } = await start(t);
    assert.equal((await kero.post(BODY)).status, 202);
    const viaHttp = new Promise<number | undefined>((resolve, reject) => {
      const headers = { 'content-type': 'application/json', 'content-length': BODY.length, connection: 'keep-alive' };
      const request = httpRequest(`${kero.url}/api/v1/events`, { method: 'POST', headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      request.once('error', reject);
      request.end(BODY);
    });
    assert.equal(await viaHttp, 202);
    assert.equal(byNode(), 0);
  });

  test('a body that comes in pieces, and a refused one whose rest is dropped', async (t) => {
    const { kero, byNode } = await start(t);
    const client = await rawConnection(t, kero.port);
    const refused = postHead('content-length: 60000').replace('application/json', 'text/plain');
    client.send(refused + ' '.repeat(100));
    await client.until(/415 .*"request_id":"[^"]*"}/s);
    client.send(' '.repeat(59_900) + WHOLE.slice(0, -20));
    await untilTrue(() => kero.receiver.counts.bytesInFlight === BODY.length - 20);
    client.send(WHOLE.slice(-20));
    await client.until(/ 202 .*"accepted"/s);
    assert.equal(byNode(), 0);
    assert.equal((await kero.records()).length, 1);
  });

  test('the next request while the one before it waits for the log, and answers in their order', async (t) => {
    const { wrapProducer, waiting } = confirmingLater();
    const { kero, byNode } = await start(t, { wrapProducer });
    const client = await rawConnection(t, kero.port);
    client.send(WHOLE);
    await untilTrue(() => waiting.length === 1);
    client.send(WHOLE.replace('application/json', 'text/plain'));
    await untilTrue(() => kero.receiver.counts.rejected.unsupported_media_type === 1);
    assert.equal(client.received(), '');
    waiting[0]?.();
    await client.until(/^HTTP\/1\.1 202 .*HTTP\/1\.1 415 /s);
    assert.equal(byNode(), 0);
  });

  test('a body that is here before it is known who sends it', async (t) => {
    let decide: ((verdict: Verdict) => void) | undefined;
    const auth = {
      authenticate: () => new Promise<Verdict>((resolve) => (decide = resolve)),
      accepts: { keys: false, tokens: true },
      health: () => ({ up: true }),
    } as unknown as Authenticator;
    const { kero, byNode } = await start(t, { auth });
    const client = await rawConnection(t, kero.port);
    client.send(WHOLE.slice(0, -50));
    await untilTrue(() => decide !== undefined);
    client.send(WHOLE.slice(-50));
    await new Promise((resolve) => setImmediate(resolve));
    const scopes = new Set(['events:write'] as const);
    decide?.({ outcome: 'known', identity: { id: 'jwt:a', defaultSource: 'a', sources: undefined, scopes } });
    await client.until(/^HTTP\/1\.1 202 .*"accepted"/s);
    assert.equal(byNode(), 0);
  });
});

describe('a connection of the lane', () => {
  const PATIENT = { RECEIVER_HEADER_TIMEOUT: '10m', RECEIVER_BODY_TIMEOUT: '10m', RECEIVER_IDLE_TIMEOUT: '10m' };

  test('ends when its client ends it, before and behind a request', async (t) => {
    const { kero } = await start(t, { settings: PATIENT });
    for (const bytes of ['', WHOLE]) {
      const client = await rawConnection(t, kero.port);
      client.send(bytes);
      if (bytes) await client.until(ACCEPTED);
      client.socket.end();
      await client.closed;
    }
  });

  test('ends with the answer that says so', async (t) => {
    const { kero } = await start(t, { settings: { ...PATIENT, RECEIVER_MAX_REQUESTS_PER_CONNECTION: '2' } });
    const client = await rawConnection(t, kero.port);
    client.send(WHOLE);
    await client.until(/^HTTP\/1\.1 202 .*Connection: keep-alive.*"accepted"/s);
    client.send(WHOLE);
    await client.closed;
    assert.match(client.received(), / 202 .* 202 .*Connection: close/s);
  });

  test('carries answers in every letter', async (t) => {
    const { kero, byNode } = await start(t);
    const answer = await kero.post(JSON.stringify({ ...EVENT, 'größe €': 1 }));
    assert.equal(answer.status, 422);
    assert.match(answer.text, /größe €/);
    assert.equal(Number(answer.headers.get('content-length')), Buffer.byteLength(answer.text));
    assert.equal(byNode(), 0);
  });
});

describe('the lane hands over', () => {
  test('a connection with its first unusual request, and node:http keeps it', async (t) => {
    const { kero, byNode } = await start(t);
    const client = await rawConnection(t, kero.port);
    client.send(WHOLE);
    await client.until(ACCEPTED);
    assert.equal(byNode(), 0);
    client.send('GET /health/live HTTP/1.1\r\nhost: t\r\n\r\n');
    await client.until(/"up"/);
    client.send(WHOLE);
    await client.until(/202 .*"up".*202 .*"accepted"/s);
    assert.equal(byNode(), 2);
    assert.equal((await kero.records()).length, 2);
  });

  test('what comes behind a request when that has its answer', async (t) => {
    const { wrapProducer, waiting } = confirmingLater();
    const { kero, byNode } = await start(t, { wrapProducer });
    const client = await rawConnection(t, kero.port);
    client.send(WHOLE);
    await untilTrue(() => waiting.length === 1);
    client.send('GET /health/live HTTP/1.1\r\nho');
    client.send('st: t\r\n\r\n');
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(byNode(), 0);
    waiting[0]?.();
    await client.until(/^HTTP\/1\.1 202 .*"accepted".*"up"/s);
    assert.equal(byNode(), 1);
  });

  test('who sends further ahead than it waits for', async (t) => {
    const { wrapProducer, waiting } = confirmingLater();
    const { kero, byNode } = await start(t, { wrapProducer });
    const client = await rawConnection(t, kero.port);
    client.send(WHOLE);
    await untilTrue(() => waiting.length === 1);
    client.send(WHOLE.repeat(20));
    const confirm = setInterval(() => {
      for (const one of waiting.splice(0)) one();
    }, 5);
    t.after(() => clearInterval(confirm));
    await untilTrue(() => (client.received().match(ACCEPTED) ?? []).length === 21);
    assert.ok(byNode() >= 12, String(byNode()));
    assert.equal((await kero.records()).length, 21);
  });
});

describe('a key', () => {
  test('that is revoked is refused over a connection that has used it, byte for byte the same', async (t) => {
    const { auth, create, revoke } = await authUnderTest(t);
    const { text, id } = await create();
    const { kero, byNode } = await start(t, { auth });
    const client = await rawConnection(t, kero.port);
    const whole = WHOLE.replace('host', `authorization: Bearer ${text}\r\nhost`);
    const post = async () => {
      const before = client.received().length;
      client.send(whole);
      const [, status] = await client.until(new RegExp(`^[^]{${before}}HTTP/1\\.1 (\\d+) [^]*}`));
      return status;
    };
    let status = await post();
    const giveUp = performance.now() + 10_000;
    while (status === '401' && performance.now() < giveUp) status = await post();
    assert.equal(status, '202');
    assert.equal(await post(), '202');
    await revoke(id);
    while (status === '202' && performance.now() < giveUp) status = await post();
    assert.equal(status, '401');
    assert.equal(byNode(), 0);
  });
});
