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
} from './receiver-under-test.ts';

const BODY = JSON.stringify(EVENT);
const WHOLE = postHead(`content-length: ${BODY.length}`) + BODY;

describe('a stop', () => {
  test('under load leaves every event that got a 202 in the log', async (t) => {
    const kero = await startTestReceiver(t);
    const accepted: string[] = [];
    const other: number[] = [];
    let stopping: Promise<void> | undefined;
    const client = async (name: number) => {
      for (let n = 0; ; n++) {
        try {
          const answer = await kero.post(JSON.stringify({ ...EVENT, event_id: `${name}-${n}` }));
          if (answer.status === 202) accepted.push(answer.json.id as string);
          else other.push(problemOf(answer, 503, 'stopping').status);
        } catch {
          // No answer: nobody knows, and nothing is promised.
          return;
        }
        if (accepted.length >= 300) stopping ??= kero.receiver.stop();
      }
    };
    await Promise.all(Array.from({ length: 16 }, (_, name) => client(name)));
    await stopping;
    assert.ok(accepted.length >= 300);
    const ids = (await kero.records()).map(({ headers }) =>
      headers.find(([name]) => name === 'kero-id')?.[1].toString(),
    );
    const inLog = new Set(ids);
    assert.deepEqual(
      accepted.filter((id) => !inLog.has(id)),
      [],
    );
  });

  test('makes the receiver not ready at once, and gives those who wait for the log the answer of the log', async (t) => {
    const { wrapProducer, waiting } = confirmingLater();
    const kero = await startTestReceiver(t, { wrapProducer });
    const client = await rawConnection(t, kero.port);
    client.send(WHOLE);
    await untilTrue(() => waiting.length === 1);
    let stopped = false;
    const stop = kero.receiver.stop().then(() => (stopped = true));
    assert.equal(kero.health.report().up, false);
    assert.deepEqual(kero.health.report().parts.receiver, { up: false, reason: 'stopping' });
    await assert.rejects(kero.post(BODY), 'no new connections');
    assert.equal(stopped, false);
    waiting[0]?.();
    await client.until(/^HTTP\/1\.1 202 .*connection: close.*"accepted"/is);
    await client.closed;
    await stop;
    assert.equal((await kero.records()).length, 1);
  });

  test('closes idle connections at once', async (t) => {
    const kero = await startTestReceiver(t);
    const client = await rawConnection(t, kero.port);
    client.send(WHOLE);
    await client.until(/"accepted"/);
    const began = performance.now();
    await kero.receiver.stop();
    await client.closed;
    assert.ok(performance.now() - began < 800, 'it waits for nothing');
  });

  test('lets a body that is nearly there come in, and gives one that is not a 503', async (t) => {
    const kero = await startTestReceiver(t);
    const quick = await rawConnection(t, kero.port);
    const slow = await rawConnection(t, kero.port);
    for (const client of [quick, slow]) client.send(WHOLE.slice(0, -5));
    await untilTrue(() => kero.receiver.counts.bytesInFlight === 2 * (BODY.length - 5));
    const stop = kero.receiver.stop();
    quick.send(WHOLE.slice(-5));
    await quick.until(/^HTTP\/1\.1 202 /);
    await slow.until(/^HTTP\/1\.1 503 .*retry-after: 1\r\n.*urn:kero:problem:stopping/is);
    await slow.closed;
    await stop;
    assert.equal((await kero.records()).length, 1);
  });

  test('is not held up by clients that are silent or in the middle of their headers', async (t) => {
    const kero = await startTestReceiver(t);
    await rawConnection(t, kero.port);
    const client = await rawConnection(t, kero.port);
    client.send('POST /api/v1/events HT');
    const began = performance.now();
    await kero.receiver.stop();
    assert.ok(performance.now() - began < 3000);
  });

  test('is not held up for ever by a client that does not read its answers', async (t) => {
    const kero = await startTestReceiver(t, { settings: { RECEIVER_DEADLINE: '300ms' } });
    const client = await rawConnection(t, kero.port);
    client.socket.pause();
    for (let i = 0; i < 30; i++) client.send('GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nhost: t\r\n\r\n');
    await untilTrue(() => kero.receiver.counts.inFlight === 0);
    const began = performance.now();
    await kero.receiver.stop();
    assert.ok(performance.now() - began < 5000);
  });

  test('refuses what still comes over a connection that is busy', async (t) => {
    const { wrapProducer, waiting } = confirmingLater();
    const kero = await startTestReceiver(t, { wrapProducer });
    const client = await rawConnection(t, kero.port);
    client.send(WHOLE);
    await untilTrue(() => waiting.length === 1);
    const stop = kero.receiver.stop();
    client.send(WHOLE);
    await untilTrue(() => kero.receiver.counts.rejected.stopping === 1);
    waiting[0]?.();
    await client.until(/^HTTP\/1\.1 202 /);
    await stop;
    assert.equal((await kero.records()).length, 1);
  });

  test('asked for twice is one stop', async (t) => {
    const kero = await startTestReceiver(t);
    assert.equal(kero.receiver.stop(), kero.receiver.stop());
    await kero.receiver.stop();
  });
});
