import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import type { Producer } from '@kero/messaging';
import {
  EVENT,
  postHead,
  rawConnection,
  startTestReceiver,
  type TestOptions,
  untilTrue,
} from '../receiver-under-test.ts';
import { certificateMaker } from './certificates-under-test.ts';

const BODY = JSON.stringify(EVENT);
const WHOLE = postHead(`content-length: ${BODY.length}`) + BODY;

async function startHttps(t: TestContext, options: TestOptions = {}) {
  const certificate = certificateMaker(t)('kero');
  const kero = await startTestReceiver(t, { ...options, certificate });
  const post = () =>
    new Promise<{ status: number | undefined; text: string }>((resolve, reject) => {
      const headers = { 'content-type': 'application/json' };
      const call = request(
        `${kero.url}/api/v1/events`,
        { method: 'POST', headers, ca: certificate.cert, agent: false },
        async (response) => {
          let text = '';
          for await (const chunk of response) text += chunk;
          resolve({ status: response.statusCode, text });
        },
      );
      call.on('error', reject).end(BODY);
    });
  return { kero, certificate, post };
}

/** A TLS connection after its handshake, or the error that came instead. */
async function tlsConnection(t: TestContext, port: number, options: ConnectionOptions) {
  const socket: TLSSocket = connect({ host: '127.0.0.1', port, ...options });
  t.after(() => socket.destroy());
  let text = '';
  socket.on('data', (chunk) => (text += chunk.toString('latin1')));
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  await once(socket, 'secureConnect');
  socket.on('error', () => {});
  return { socket, closed, received: () => text };
}

describe('with a certificate', () => {
  test('events are accepted over HTTPS, and the certificate is checked by who sends them', async (t) => {
    const { kero, post } = await startHttps(t);
    assert.equal((await post()).status, 202);
    await assert.rejects(fetch(`${kero.url}/health/live`), 'nobody signed it whom fetch knows');
    await untilTrue(() => kero.receiver.counts.handshakesFailed === 1);
    assert.equal((await kero.records()).length, 1);
  });

  test('plain HTTP gets no answer, is counted, and hurts nobody', async (t) => {
    const { kero, post } = await startHttps(t);
    const client = await rawConnection(t, kero.port);
    client.send(WHOLE);
    await client.closed;
    assert.doesNotMatch(client.received(), /HTTP/);
    await untilTrue(() => kero.receiver.counts.handshakesFailed === 1);
    assert.equal((await post()).status, 202);
    assert.equal((await kero.records()).length, 1);
  });

  test('TLS 1.2 and 1.3 are spoken, and nothing older', async (t) => {
    const { kero, certificate } = await startHttps(t);
    const only = (version: 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3') =>
      tlsConnection(t, kero.port, {
        ca: certificate.cert,
        minVersion: version,
        maxVersion: version,
        ciphers: 'DEFAULT@SECLEVEL=0',
      });
    assert.equal((await only('TLSv1.2')).socket.getProtocol(), 'TLSv1.2');
    assert.equal((await only('TLSv1.3')).socket.getProtocol(), 'TLSv1.3');
    await assert.rejects(only('TLSv1.1'), /protocol version/);
  });

  test('a client that ends its side after the request reads its answer', async (t) => {
    const { kero, certificate } = await startHttps(t);
    const { socket, closed, received } = await tlsConnection(t, kero.port, { ca: certificate.cert });
    socket.end(WHOLE + WHOLE);
    await closed;
    assert.match(received(), /^HTTP\/1\.1 202 [\s\S]*"accepted"[\s\S]*HTTP\/1\.1 202 [\s\S]*"accepted"/);
    await untilTrue(() => kero.receiver.counts.connectionsOpen === 0);
  });

  test('what is not HTTP inside TLS gets the same problem as outside', async (t) => {
    const { kero, certificate } = await startHttps(t);
    const { socket, closed, received } = await tlsConnection(t, kero.port, { ca: certificate.cert });
    socket.write('GARBAGE\r\n\r\n');
    await closed;
    assert.match(received(), /^HTTP\/1\.1 400 [\s\S]*urn:kero:problem:malformed_request/);
  });

  test('who does not begin, or finish, a handshake is let go, and holds nobody up', async (t) => {
    const { kero, post } = await startHttps(t, { settings: { RECEIVER_HEADER_TIMEOUT: '400ms' } });
    const silent = await rawConnection(t, kero.port);
    const half = await rawConnection(t, kero.port);
    // The head of a ClientHello of which nothing more comes.
    half.send(Buffer.from([0x16, 3, 1, 2, 0, 1, 0]));
    assert.equal((await post()).status, 202);
    await Promise.all([silent.closed, half.closed]);
  });

  test('limits of connections hold for handshakes too', async (t) => {
    const { kero, post } = await startHttps(t, { settings: { RECEIVER_MAX_CONNECTIONS_PER_ADDRESS: '2' } });
    const first = await rawConnection(t, kero.port);
    await rawConnection(t, kero.port);
    const third = await rawConnection(t, kero.port);
    await third.closed;
    assert.equal(kero.receiver.counts.connectionsRefused, 1);
    first.socket.destroy();
    await untilTrue(() => kero.receiver.counts.connectionsOpen === 1);
    assert.equal((await post()).status, 202);
  });

  test('a client that does not take its answers is let go', async (t) => {
    const { kero, certificate } = await startHttps(t, { settings: { RECEIVER_ANSWER_TIMEOUT: '300ms' } });
    const { socket } = await tlsConnection(t, kero.port, { ca: certificate.cert });
    socket.pause();
    for (let i = 0; i < 30; i++) socket.write('GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nhost: t\r\n\r\n');
    await untilTrue(() => kero.receiver.counts.connectionsStuck === 1);
    await untilTrue(() => kero.receiver.counts.connectionsOpen === 0);
  });

  test('a stop answers what waits, and is not held up by a handshake that does not end', async (t) => {
    let confirm: (() => void) | undefined;
    const wrapProducer = (producer: Producer): Producer => ({
      async append(records, options) {
        await new Promise<void>((resolve) => (confirm = resolve));
        await producer.append(records, options);
      },
      health: () => producer.health(),
      close: () => producer.close(),
    });
    const settings = { RECEIVER_HEADER_TIMEOUT: '10m', RECEIVER_BODY_TIMEOUT: '10m', RECEIVER_DEADLINE: '10m' };
    const { kero, post } = await startHttps(t, { wrapProducer, settings });
    const silent = connectTcp(kero.port, '127.0.0.1');
    t.after(() => silent.destroy());
    silent.on('error', () => {});
    const silentClosed = once(silent, 'close');
    const answer = post();
    await untilTrue(() => confirm !== undefined && kero.receiver.counts.connectionsOpen === 2);
    const stopped = kero.receiver.stop();
    await silentClosed;
    confirm?.();
    assert.equal((await answer).status, 202);
    await stopped;
    assert.equal((await kero.records()).length, 1);
  });
});
