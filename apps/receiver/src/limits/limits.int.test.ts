import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  confirmingLater,
  EVENT,
  postHead,
  problemOf,
  rawConnection,
  startTestReceiver,
  untilTrue,
} from '../receiver-under-test.ts';

const BODY = JSON.stringify(EVENT);
const WHOLE = postHead(`content-length: ${BODY.length}`) + BODY;

describe('the head of a request', () => {
  test('may have a URL of RECEIVER_MAX_URL characters, and not one more', async (t) => {
    const kero = await startTestReceiver(t, { settings: { RECEIVER_MAX_URL: '100' } });
    const path = (length: number) => '/api/v1/events?'.padEnd(length, 'x');
    const post = (length: number) =>
      kero.request(path(length), { method: 'POST', headers: { 'content-type': 'application/json' }, body: BODY });
    assert.equal((await post(100)).status, 202);
    const { detail } = problemOf(await post(101), 414, 'url_too_long');
    assert.match(detail, /100 characters \(RECEIVER_MAX_URL\)/);
    assert.equal((await kero.records()).length, 1);
  });

  test('may have RECEIVER_MAX_HEADERS headers, and not one more, however many come', async (t) => {
    const kero = await startTestReceiver(t, { settings: { RECEIVER_MAX_HEADERS: '20' } });
    const post = async (headers: number) => {
      const client = await rawConnection(t, kero.port);
      const own = ['host: t', 'content-type: application/json', `content-length: ${BODY.length}`];
      const more = Array.from({ length: headers - own.length }, (_, n) => `x-${n}: ${n}`);
      client.send(`POST /api/v1/events HTTP/1.1\r\n${[...more, ...own].join('\r\n')}\r\n\r\n${BODY}`);
      const [, status] = await client.until(/^HTTP\/1\.1 (\d+) [\s\S]*"type":"urn:kero:problem:|^HTTP\/1\.1 (202) /);
      return { status: status ?? '202', text: client.received() };
    };
    assert.equal((await post(20)).status, '202');
    for (const tooMany of [21, 22, 200]) {
      const { status, text } = await post(tooMany);
      assert.equal(status, '431');
      assert.match(text, /headers_too_large.*at most 20 headers \(RECEIVER_MAX_HEADERS\)/);
    }
    assert.equal((await kero.records()).length, 1);
  });

  test('may have RECEIVER_MAX_HEADER_BYTES bytes of path, names and values, and not one more', async (t) => {
    const kero = await startTestReceiver(t, { settings: { RECEIVER_MAX_HEADER_BYTES: '4KiB' } });
    const post = async (bytes: number) => {
      const client = await rawConnection(t, kero.port);
      const length = String(BODY.length);
      const others = `/api/v1/eventshosttcontent-typeapplication/jsoncontent-length${length}x`.length;
      const head = postHead(`content-length: ${length}`, `x: ${'v'.repeat(bytes - others)}`).replace('test', 't');
      client.send(head + BODY);
      const [, status] = await client.until(/^HTTP\/1\.1 (\d+) [\s\S]*[}]/);
      return { status, text: client.received() };
    };
    assert.equal((await post(4096)).status, '202');
    const { status, text } = await post(4097);
    assert.equal(status, '431');
    assert.match(text, /headers_too_large.*4096 bytes \(RECEIVER_MAX_HEADER_BYTES\)/);
    assert.equal((await kero.records()).length, 1);
  });
});

describe('connections', () => {
  test('of one address may be RECEIVER_MAX_CONNECTIONS_PER_ADDRESS, and one that ends makes room', async (t) => {
    const kero = await startTestReceiver(t, { settings: { RECEIVER_MAX_CONNECTIONS_PER_ADDRESS: '2' } });
    const first = await rawConnection(t, kero.port);
    const second = await rawConnection(t, kero.port);
    const third = await rawConnection(t, kero.port);
    await third.closed;
    assert.equal(kero.receiver.counts.connectionsRefused, 1);
    for (const client of [first, second]) {
      client.send(WHOLE);
      await client.until(/"accepted"/);
    }
    first.socket.destroy();
    await untilTrue(() => kero.receiver.counts.connectionsOpen === 1);
    const fourth = await rawConnection(t, kero.port);
    fourth.send(WHOLE);
    await fourth.until(/"accepted"/);
  });

  test('of a trusted proxy are not counted', async (t) => {
    const settings = { RECEIVER_MAX_CONNECTIONS_PER_ADDRESS: '1', TRUSTED_PROXIES: '127.0.0.0/8' };
    const kero = await startTestReceiver(t, { settings });
    const clients = [await rawConnection(t, kero.port), await rawConnection(t, kero.port)];
    for (const client of clients) {
      client.send(WHOLE);
      await client.until(/"accepted"/);
    }
    assert.equal(kero.receiver.counts.connectionsRefused, 0);
  });

  test('carry RECEIVER_MAX_REQUESTS_PER_CONNECTION requests: the last one is told, what was sent behind it is not done', async (t) => {
    const kero = await startTestReceiver(t, { settings: { RECEIVER_MAX_REQUESTS_PER_CONNECTION: '3' } });
    const client = await rawConnection(t, kero.port);
    client.send(WHOLE);
    await client.until(/"accepted"/);
    client.send(WHOLE + WHOLE + WHOLE + WHOLE);
    await client.closed;
    const answers = client.received().split('HTTP/1.1 ').slice(1);
    assert.deepEqual(
      answers.map((answer) => [answer.slice(0, 3), /connection: close/i.test(answer)]),
      [
        ['202', false],
        ['202', false],
        ['202', true],
      ],
    );
    assert.equal(kero.receiver.counts.inFlight, 0);
    assert.equal((await kero.records()).length, 3);
  });
});

describe('bytes in flight', () => {
  test('may be RECEIVER_MAX_IN_FLIGHT, and not one more', async (t) => {
    const { wrapProducer, waiting } = confirmingLater();
    const settings = {
      RECEIVER_MAX_BODY: '1024',
      RECEIVER_MAX_DECOMPRESSED: '1024',
      RECEIVER_MAX_IN_FLIGHT: '2048',
    };
    const kero = await startTestReceiver(t, { settings, wrapProducer });
    const padded = (length: number) => BODY.padEnd(length, ' ');
    const first = kero.post(padded(1024));
    await untilTrue(() => waiting.length === 1);
    const second = kero.post(padded(1000));
    await untilTrue(() => waiting.length === 2);
    const tooMuch = kero.post(BODY.padEnd(25, ' '));
    problemOf(await tooMuch, 503, 'overloaded');
    // An event that fits into what is left: 24 bytes are none, but they are read before they are found to be none.
    problemOf(await kero.post('x'.repeat(24)), 400, 'invalid_json');
    for (const confirm of waiting) confirm();
    assert.deepEqual([(await first).status, (await second).status], [202, 202]);
    await untilTrue(() => kero.receiver.counts.bytesInFlight === 0);
  });
});

describe('requests in flight', () => {
  test('may be RECEIVER_MAX_REQUESTS_IN_FLIGHT, and not one more, however many one connection sends ahead', async (t) => {
    const { wrapProducer, waiting } = confirmingLater();
    const kero = await startTestReceiver(t, { settings: { RECEIVER_MAX_REQUESTS_IN_FLIGHT: '3' }, wrapProducer });
    const client = await rawConnection(t, kero.port);
    client.send(WHOLE + WHOLE);
    await untilTrue(() => waiting.length === 2);
    const third = kero.post(BODY);
    await untilTrue(() => waiting.length === 3);
    problemOf(await kero.post(BODY), 503, 'overloaded');
    client.send(WHOLE.repeat(50));
    await untilTrue(() => kero.receiver.counts.rejected.overloaded === 51);
    assert.equal((await kero.request('/health/live')).status, 200, 'health is not limited');
    assert.equal(waiting.length, 3);
    for (const confirm of waiting.splice(0)) confirm();
    assert.equal((await third).status, 202);
    const statuses = () => Array.from(client.received().matchAll(/HTTP\/1\.1 (\d+) /g), ([, status]) => status);
    await untilTrue(() => statuses().length === 52);
    assert.deepEqual(statuses(), ['202', '202', ...new Array(50).fill('503')]);
    client.send(WHOLE);
    await untilTrue(() => waiting.length === 1);
    waiting[0]?.();
    await untilTrue(() => statuses().at(-1) === '202');
    assert.equal((await kero.records()).length, 4);
  });
});

describe('rate limits', () => {
  test('answer 429 with Retry-After and RateLimit before the body is read, and nothing is stored', async (t) => {
    let nowMs = 0;
    const settings = { RATE_LIMIT_ADDRESS_REQUESTS: '1', RATE_LIMIT_ADDRESS_REQUESTS_BURST: '2' };
    const kero = await startTestReceiver(t, { settings, monotonicMs: () => nowMs });
    for (const left of [1, 0]) {
      const answer = await kero.post(BODY);
      assert.equal(answer.status, 202);
      assert.equal(answer.headers.get('ratelimit-policy'), '"address";q=2;w=2');
      assert.equal(answer.headers.get('ratelimit'), `"address";r=${left};t=${2 - left}`);
      assert.equal(answer.headers.get('retry-after'), null);
    }
    const client = await rawConnection(t, kero.port);
    client.send(postHead('content-length: 1000'));
    await client.until(/^HTTP\/1\.1 429 [\s\S]*retry-after: 1\r\n[\s\S]*rate_limited/);
    const answer = await kero.post(BODY);
    problemOf(answer, 429, 'rate_limited');
    assert.equal(answer.headers.get('retry-after'), '1');
    assert.equal(answer.headers.get('ratelimit'), '"address";r=0;t=1');
    assert.equal(kero.receiver.counts.rejected.rate_limited, 2);
    const lines = kero.logLines.filter(({ code }) => code === 'rate_limited');
    assert.deepEqual(
      lines.map(({ level }) => level),
      ['debug', 'debug'],
      'whoever sends too much does not fill the log',
    );
    nowMs += 1000;
    assert.equal((await kero.post(BODY)).status, 202);
    assert.equal((await kero.records()).length, 3);
  });

  test('count the bytes of bodies, also of those that are not complete or refused', async (t) => {
    const settings = { RATE_LIMIT_ADDRESS_BYTES: '1', RATE_LIMIT_ADDRESS_BYTES_BURST: '1000' };
    const kero = await startTestReceiver(t, { settings, monotonicMs: () => 0 });
    const refused = await kero.post(' '.repeat(400));
    assert.equal(refused.headers.get('ratelimit'), '"address-bytes";r=600;t=400');
    const client = await rawConnection(t, kero.port);
    client.send(postHead('content-length: 1000') + ' '.repeat(599));
    await untilTrue(() => kero.receiver.counts.bytesInFlight === 599);
    client.socket.resetAndDestroy();
    await untilTrue(() => kero.receiver.counts.aborted === 1);
    const answer = await kero.post(BODY);
    assert.equal(answer.status, 202, 'one byte was left');
    problemOf(await kero.post(BODY), 429, 'rate_limited');
  });

  test('count by the client that a trusted proxy names, and believe nobody else', async (t) => {
    const limits = { RATE_LIMIT_ADDRESS_REQUESTS: '1', RATE_LIMIT_ADDRESS_REQUESTS_BURST: '1' };
    const from = (address: string) => ({ 'x-forwarded-for': address });
    const behind = await startTestReceiver(t, {
      settings: { ...limits, TRUSTED_PROXIES: '127.0.0.1' },
      monotonicMs: () => 0,
    });
    assert.equal((await behind.post(BODY, from('203.0.113.1'))).status, 202);
    assert.equal((await behind.post(BODY, from('203.0.113.2'))).status, 202);
    assert.equal((await behind.post(BODY, from('203.0.113.9, 203.0.113.1'))).status, 429);
    const open = await startTestReceiver(t, { settings: limits, monotonicMs: () => 0 });
    assert.equal((await open.post(BODY, from('203.0.113.1'))).status, 202);
    assert.equal((await open.post(BODY, from('203.0.113.2'))).status, 429);
  });

  test('do not hold for health and documents', async (t) => {
    const settings = { RATE_LIMIT_ADDRESS_REQUESTS: '1', RATE_LIMIT_ADDRESS_REQUESTS_BURST: '1' };
    const kero = await startTestReceiver(t, { settings, monotonicMs: () => 0 });
    await kero.post(BODY);
    assert.equal((await kero.post(BODY)).status, 429);
    for (const path of ['/health/live', '/health/ready', '/api/v1/openapi.json']) {
      assert.equal((await kero.request(path)).status, 200);
    }
  });
});
