import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import type { Producer } from '@kero/messaging';
import {
  EVENT,
  postHead,
  type RawConnection,
  rawConnection,
  startTestReceiver,
  untilTrue,
} from './receiver-under-test.ts';

const BODY = JSON.stringify(EVENT);
const WHOLE = postHead(`content-length: ${BODY.length}`) + BODY;

/** The last answer that came over a raw connection: checks that it is a problem with a request id. */
async function rawProblem(client: RawConnection, status: number, code: string): Promise<void> {
  const [, head = '', body = ''] = await client.until(/(HTTP\/1\.1 [45][^{]*\r\n\r\n)({.*})\n/s);
  assert.match(head, new RegExp(`^HTTP/1\\.1 ${status} `));
  assert.match(head, /content-type: application\/problem\+json/i);
  const problem = JSON.parse(body);
  assert.equal(problem.type, `urn:kero:problem:${code}`);
  assert.match(head, new RegExp(`x-request-id: ${problem.request_id}\r\n`, 'i'));
  assert.equal(Buffer.byteLength(body) + 1, Number(/content-length: (\d+)/i.exec(head)?.[1]));
}

describe('a body that is too large', () => {
  test('is 413 while it streams, without Content-Length, and the connection ends', async (t) => {
    const kero = await startTestReceiver(t, { settings: { RECEIVER_MAX_BODY: '10000' } });
    const client = await rawConnection(t, kero.port);
    client.send(postHead('transfer-encoding: chunked'));
    const chunk = `400\r\n${' '.repeat(1024)}\r\n`;
    for (let i = 0; i < 9; i++) client.send(chunk);
    assert.equal(client.received(), '');
    client.send(chunk);
    await rawProblem(client, 413, 'body_too_large');
    assert.match(client.received(), /connection: close/i);
    await client.closed;
    assert.equal(kero.receiver.counts.bytesInFlight, 0);
  });

  test('is 413 before a byte of it came when Content-Length says so', async (t) => {
    const kero = await startTestReceiver(t);
    const client = await rawConnection(t, kero.port);
    client.send(postHead('content-length: 1048577'));
    await rawProblem(client, 413, 'body_too_large');
    await client.closed;
  });

  test('is answered in a way that a client can read that sends everything before it looks', async (t) => {
    const kero = await startTestReceiver(t, { settings: { RECEIVER_MAX_BODY: '10000' } });
    const client = await rawConnection(t, kero.port);
    client.socket.pause();
    client.send(postHead('content-length: 12000000'));
    await new Promise((resolve) => client.socket.write(Buffer.alloc(12_000_000, 0x20), resolve));
    client.socket.resume();
    await rawProblem(client, 413, 'body_too_large');
  });

  test('without an end costs no memory and is cut off', async (t) => {
    const kero = await startTestReceiver(t, { settings: { RECEIVER_MAX_BODY: '10000' } });
    const client = await rawConnection(t, kero.port);
    client.send(postHead('transfer-encoding: chunked'));
    const chunk = Buffer.from(`10000\r\n${' '.repeat(65_536)}\r\n`);
    let open = true;
    void client.closed.then(() => (open = false));
    while (open) {
      if (!client.socket.write(chunk)) {
        await Promise.race([once(client.socket, 'drain').catch(() => {}), client.closed]);
      }
      assert.ok(kero.receiver.counts.bytesInFlight < 200_000);
    }
    assert.deepEqual(await kero.records(), []);
  });

  test('is told so instead of 100 Continue', async (t) => {
    const kero = await startTestReceiver(t);
    const client = await rawConnection(t, kero.port);
    client.send(postHead('content-length: 1048577', 'expect: 100-continue'));
    await rawProblem(client, 413, 'body_too_large');
    assert.doesNotMatch(client.received(), /100 Continue/);
    await client.closed;
  });
});

describe('a client that ends its side after the request', () => {
  test('gets the answers of all that it sent, and then the connection ends', async (t) => {
    const kero = await startTestReceiver(t);
    const client = await rawConnection(t, kero.port);
    client.socket.end(WHOLE + WHOLE);
    await client.until(/HTTP\/1\.1 202 .*HTTP\/1\.1 202 .*"id"/s);
    await client.closed;
    assert.equal(kero.receiver.counts.accepted, 2);
    assert.equal(kero.receiver.counts.inFlight, 0);
  });

  test('in the middle of a body is told that the request is broken', async (t) => {
    const kero = await startTestReceiver(t);
    const client = await rawConnection(t, kero.port);
    client.socket.end(WHOLE.slice(0, -5));
    await rawProblem(client, 400, 'malformed_request');
    await client.closed;
    await untilTrue(() => kero.receiver.counts.inFlight === 0);
    assert.deepEqual(await kero.records(), []);
  });

  test('without a request is let go', async (t) => {
    const kero = await startTestReceiver(t);
    const client = await rawConnection(t, kero.port);
    client.socket.end();
    await client.closed;
    assert.equal(client.received(), '');
  });
});

describe('CONNECT', () => {
  const CONNECT = 'CONNECT example.org:443 HTTP/1.1\r\nhost: example.org:443\r\n\r\n';

  test('is 405 like every method that is not served', async (t) => {
    const kero = await startTestReceiver(t);
    const client = await rawConnection(t, kero.port);
    client.send(CONNECT);
    await rawProblem(client, 405, 'method_not_allowed');
    assert.match(client.received(), /^allow: GET, HEAD, POST\r$/im);
    await client.closed;
    assert.equal(kero.receiver.counts.rejected.method_not_allowed, 1);
  });

  test('behind an event does not get in the way of its answer', async (t) => {
    const kero = await startTestReceiver(t);
    const client = await rawConnection(t, kero.port);
    client.send(WHOLE + CONNECT);
    await client.until(/HTTP\/1\.1 202 .*"id"/s);
    await client.closed;
    assert.doesNotMatch(client.received(), /HTTP\/1\.1 405/);
  });
});

describe('a client that waits for 100 Continue', () => {
  test('gets it, and then its answer', async (t) => {
    const kero = await startTestReceiver(t);
    const client = await rawConnection(t, kero.port);
    client.send(postHead(`content-length: ${BODY.length}`, 'expect: 100-continue'));
    await client.until(/^HTTP\/1\.1 100 Continue\r\n\r\n/);
    client.send(BODY);
    await client.until(/HTTP\/1\.1 202 .*"accepted"/s);
  });

  test('is refused without it, and the connection ends, because nobody knows whether the body follows', async (t) => {
    const kero = await startTestReceiver(t);
    const client = await rawConnection(t, kero.port);
    const head = postHead(`content-length: ${BODY.length}`, 'expect: 100-continue');
    client.send(head.replace('application/json', 'text/plain'));
    await rawProblem(client, 415, 'unsupported_media_type');
    await client.closed;
    assert.doesNotMatch(client.received(), /100 Continue/);
  });
});

describe('a client that leaves', () => {
  test('in the middle of its body leaves nothing in the log', async (t) => {
    const kero = await startTestReceiver(t);
    const client = await rawConnection(t, kero.port);
    client.send(WHOLE.slice(0, -5));
    await untilTrue(() => kero.receiver.counts.bytesInFlight > 0);
    client.socket.resetAndDestroy();
    await untilTrue(() => kero.receiver.counts.aborted === 1);
    assert.equal(kero.receiver.counts.bytesInFlight, 0);
    assert.equal(kero.receiver.counts.inFlight, 0);
    assert.deepEqual(await kero.records(), []);
  });

  test('politely in the middle of its body gets 400 and leaves nothing in the log', async (t) => {
    const kero = await startTestReceiver(t);
    const client = await rawConnection(t, kero.port);
    client.send(WHOLE.slice(0, -5));
    client.socket.end();
    await rawProblem(client, 400, 'malformed_request');
    assert.deepEqual(await kero.records(), []);
  });
});

describe('a slow client', () => {
  const settings = { RECEIVER_HEADER_TIMEOUT: '300ms', RECEIVER_BODY_TIMEOUT: '600ms', RECEIVER_IDLE_TIMEOUT: '200ms' };

  test('that does not finish its headers gets 408', async (t) => {
    const kero = await startTestReceiver(t, { settings });
    const client = await rawConnection(t, kero.port);
    client.send('POST /api/v1/events HTTP/1.1\r\nhost: t');
    await rawProblem(client, 408, 'request_timeout');
    await client.closed;
    assert.equal(kero.receiver.counts.rejected.request_timeout, 1);
  });

  test('that does not finish its body gets 408 with the id of its request', async (t) => {
    const kero = await startTestReceiver(t, { settings });
    const client = await rawConnection(t, kero.port);
    client.send(postHead('content-length: 100', 'x-request-id: slow-1') + BODY.slice(0, 50));
    await rawProblem(client, 408, 'request_timeout');
    assert.match(client.received(), /x-request-id: slow-1\r\n/);
    await client.closed;
    assert.equal(kero.receiver.counts.bytesInFlight, 0);
    assert.deepEqual(await kero.records(), []);
  });

  test('that drips its body gets 408 all the same', async (t) => {
    const kero = await startTestReceiver(t, { settings });
    const client = await rawConnection(t, kero.port);
    client.send(postHead('content-length: 100000'));
    const drip = setInterval(() => client.send(' '), 20);
    t.after(() => clearInterval(drip));
    await rawProblem(client, 408, 'request_timeout');
  });

  test('that never sends a byte is let go', async (t) => {
    const kero = await startTestReceiver(t, { settings });
    const client = await rawConnection(t, kero.port);
    await client.closed;
    assert.equal(client.received(), '');
  });

  test('that is idle after its request is let go', async (t) => {
    const kero = await startTestReceiver(t, { settings });
    const client = await rawConnection(t, kero.port);
    client.send(WHOLE);
    await client.until(/"accepted"/);
    await client.closed;
  });

  test('does not slow others down', async (t) => {
    const kero = await startTestReceiver(t);
    for (let i = 0; i < 200; i++) {
      const client = await rawConnection(t, kero.port);
      client.send(i % 2 ? 'POST / HT' : WHOLE.slice(0, -3));
    }
    assert.equal((await kero.post(BODY)).status, 202);
  });
});

describe('bytes that are not HTTP', () => {
  for (const [what, bytes, status, code] of [
    ['garbage', 'GARBAGE\r\n\r\n', 400, 'malformed_request'],
    ['a method that does not exist', 'BREW /api/v1/events HTTP/1.1\r\nhost: t\r\n\r\n', 400, 'malformed_request'],
    ['no Host', 'GET /health/live HTTP/1.1\r\n\r\n', 400, 'malformed_request'],
    ['two lengths', postHead('content-length: 1', 'content-length: 2'), 400, 'malformed_request'],
    ['a length and chunks', postHead('content-length: 1', 'transfer-encoding: chunked'), 400, 'malformed_request'],
    ['a length that is none', postHead('content-length: 1e3'), 400, 'malformed_request'],
    ['a bad chunk', `${postHead('transfer-encoding: chunked')}zz\r\n`, 400, 'malformed_request'],
    ['chunks twice', postHead('transfer-encoding: chunked', 'transfer-encoding: chunked'), 400, 'malformed_request'],
    ['chunks of gzip', postHead('transfer-encoding: gzip, chunked'), 400, 'malformed_request'],
    ['two Hosts', postHead('host: test'), 400, 'malformed_request'],
    ['a Host with a path', 'GET /health/live HTTP/1.1\r\nhost: a/b\r\n\r\n', 400, 'malformed_request'],
    ['a Host with a space', 'GET /health/live HTTP/1.1\r\nhost: a b\r\n\r\n', 400, 'malformed_request'],
    ['a Host with a user', 'GET /health/live HTTP/1.1\r\nhost: a@b\r\n\r\n', 400, 'malformed_request'],
    ['a Host with a bad port', 'GET /health/live HTTP/1.0\r\nhost: a:b\r\n\r\n', 400, 'malformed_request'],
    ['a header without end', `GET / HTTP/1.1\r\nx: ${'x'.repeat(20_000)}`, 431, 'headers_too_large'],
  ] as const) {
    test(`${what}: ${status}`, async (t) => {
      const kero = await startTestReceiver(t);
      const client = await rawConnection(t, kero.port);
      client.send(bytes);
      await rawProblem(client, status, code);
      assert.match(client.received(), /connection: close/i);
      assert.equal(kero.receiver.counts.rejected[code], 1);
      assert.equal((await kero.post(BODY)).status, 202);
    });
  }

  for (const [what, head] of [
    ['of HTTP/1.0 is 400', postHead('transfer-encoding: chunked', 'connection: keep-alive').replace('/1.1', '/1.0')],
    ['in another encoding is 400', postHead('transfer-encoding: gzip, chunked')],
  ] as const) {
    test(`a chunked body ${what}, and what stands behind it is not done: nobody knows where it begins`, async (t) => {
      const kero = await startTestReceiver(t);
      const client = await rawConnection(t, kero.port);
      client.send(`${head}${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n${WHOLE}`);
      await rawProblem(client, 400, 'malformed_request');
      assert.match(client.received(), /connection: close/i);
      await client.closed;
      assert.equal(client.received().split('HTTP/1.1 ').length, 2, 'one answer');
      assert.equal(kero.receiver.counts.inFlight, 0);
      assert.deepEqual(await kero.records(), []);
    });
  }

  test('are not all that a Host may be', async (t) => {
    const kero = await startTestReceiver(t);
    for (const host of ['', 'a', 'A-b_c.example:8000', '127.0.0.1:1', '[::1]', '[::1]:80', '%41!', 'a:']) {
      const client = await rawConnection(t, kero.port);
      client.send(`GET /health/live HTTP/1.1\r\nhost: ${host}\r\n\r\n`);
      await client.until(/^HTTP\/1\.1 200 /);
    }
  });

  test('behind a request that waits for the log do not become its answer', async (t) => {
    let confirm: (() => void) | undefined;
    const wrapProducer = (producer: Producer): Producer => ({
      async append(records, options) {
        await producer.append(records, options);
        await new Promise<void>((resolve) => (confirm = resolve));
      },
      health: () => producer.health(),
      close: () => producer.close(),
    });
    const kero = await startTestReceiver(t, { wrapProducer });
    const client = await rawConnection(t, kero.port);
    client.send(`${WHOLE}GARBAGE\r\n\r\n`);
    await untilTrue(() => confirm !== undefined);
    assert.equal(client.received(), '');
    confirm?.();
    await client.until(/^HTTP\/1\.1 202 .*"accepted"/s);
    await client.closed;
    assert.equal((await kero.records()).length, 1);
  });
});

describe('a connection', () => {
  test('carries one request after the other, also after a refused one', async (t) => {
    const kero = await startTestReceiver(t);
    const client = await rawConnection(t, kero.port);
    client.send(WHOLE);
    await client.until(/"accepted"/);
    client.send(WHOLE.replace('application/json', 'text/plain'));
    await client.until(/415 .*"request_id":"[^"]*"}/s);
    client.send(WHOLE.replace('"purchase"', '12345678,,'));
    await client.until(/400 .*invalid_json/s);
    client.send(WHOLE.replace('POST', 'GET'));
    await client.until(/405 .*method_not_allowed/s);
    client.send(WHOLE);
    await client.until(/"accepted".*"accepted"/s);
  });

  test('may carry requests that were sent ahead: they are answered in their order', async (t) => {
    const kero = await startTestReceiver(t);
    const client = await rawConnection(t, kero.port);
    client.send(WHOLE + WHOLE.replace('/events', '/eventz') + WHOLE);
    await client.until(/ 202 .* 404 .* 202 /s);
    assert.equal((await kero.records()).length, 2);
  });

  test('beyond RECEIVER_MAX_CONNECTIONS is closed at once and counted', async (t) => {
    const kero = await startTestReceiver(t, { settings: { RECEIVER_MAX_CONNECTIONS: '2' } });
    const first = await rawConnection(t, kero.port);
    await rawConnection(t, kero.port);
    const third = await rawConnection(t, kero.port);
    await third.closed;
    assert.equal(kero.receiver.counts.connectionsRefused, 1);
    first.send(WHOLE);
    await first.until(/"accepted"/);
  });
});
