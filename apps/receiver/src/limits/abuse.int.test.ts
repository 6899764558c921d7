import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { EVENT, postHead, type ReceiverUnderTest, startTestReceiver, untilTrue } from '../receiver-under-test.ts';

const BODY = JSON.stringify(EVENT);
const WHOLE = postHead(`content-length: ${BODY.length}`) + BODY;
const GET = 'GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nhost: t\r\n\r\n';

/** Nothing times out while a test looks: what is tested is that others get on although nothing ends. */
const PATIENT = {
  RECEIVER_HEADER_TIMEOUT: '10m',
  RECEIVER_BODY_TIMEOUT: '10m',
  RECEIVER_IDLE_TIMEOUT: '10m',
  RECEIVER_ANSWER_TIMEOUT: '10m',
};

/** Connections that send something at once, read nothing, and are there as long as the attack is in use. */
async function attack(port: number, count: number, bytes: (n: number) => string) {
  const sockets: Socket[] = [];
  // One after the other: the queue of connections that wait to be accepted is short.
  for (let n = 0; n < count; n++) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    sockets.push(socket);
    await once(socket, 'connect');
    socket.pause();
    socket.write(bytes(n));
  }
  return {
    sockets,
    [Symbol.dispose]() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** The events of an honest client, one after the other: all of them are accepted. */
async function probe(kero: ReceiverUnderTest, events = 50): Promise<void> {
  for (let n = 0; n < events; n++) {
    const answer = await kero.post(JSON.stringify({ ...EVENT, event_id: String(n) }));
    assert.equal(answer.status, 202);
  }
}

describe('an honest client gets its answers', () => {
  test('beside 2,000 connections that say nothing, or not all of their headers', async (t) => {
    const kero = await startTestReceiver(t, { settings: PATIENT });
    using _ = await attack(kero.port, 2000, (n) => (n % 2 ? '' : 'POST /api/v1/events HT'));
    await untilTrue(() => kero.receiver.counts.connectionsOpen === 2000);
    await probe(kero);
    assert.equal(kero.receiver.counts.accepted, 50);
  });

  test('beside 500 bodies of which a byte comes now and then', async (t) => {
    const kero = await startTestReceiver(t, { settings: PATIENT });
    using attackers = await attack(kero.port, 500, () => postHead('content-length: 1000000'));
    const drip = setInterval(() => {
      for (const socket of attackers.sockets) socket.write(' ');
    }, 50);
    t.after(() => clearInterval(drip));
    await untilTrue(() => kero.receiver.counts.bytesInFlight > 1000);
    await probe(kero);
  });

  test('beside clients that ask for much and read nothing, whose answers do not pile up', async (t) => {
    const kero = await startTestReceiver(t, { settings: PATIENT });
    const before = process.memoryUsage().external + process.memoryUsage().heapUsed;
    using _ = await attack(kero.port, 50, () => GET.repeat(1000));
    await untilTrue(() => kero.receiver.counts.connectionsOpen === 50);
    await probe(kero);
    const grown = process.memoryUsage().external + process.memoryUsage().heapUsed - before;
    // All of them would be 50,000 times more than a megabyte.
    assert.ok(grown < 500e6, `${Math.round(grown / 1e6)} MB`);
  });

  test('beside connections that send tens of thousands of requests ahead', async (t) => {
    const kero = await startTestReceiver(t, { settings: PATIENT });
    const refused = WHOLE.replace('application/json', 'text/plain');
    using _ = await attack(kero.port, 20, (n) =>
      (n % 2 ? refused : 'GET /nothing HTTP/1.1\r\nhost: t\r\n\r\n').repeat(5000),
    );
    await probe(kero);
    assert.equal(kero.receiver.counts.accepted, 50);
  });

  test('beside requests with thousands of headers', async (t) => {
    const kero = await startTestReceiver(t, { settings: PATIENT });
    const headers = Array.from({ length: 2500 }, (_, n) => `${n}: 1`);
    using _ = await attack(kero.port, 200, () => postHead(...headers));
    await untilTrue(() => kero.receiver.counts.rejected.headers_too_large === 200);
    await probe(kero);
  });

  test('in a storm of connections that are reset at any moment, which leaves nothing behind', async (t) => {
    const kero = await startTestReceiver(t, { settings: PATIENT });
    let storming = true;
    const storm = async () => {
      for (let n = 0; storming; n++) {
        const socket = connect(kero.port, '127.0.0.1');
        socket.on('error', () => {});
        await new Promise((resolve) => socket.once('connect', resolve));
        socket.write(WHOLE.slice(0, (n * 7) % WHOLE.length));
        await new Promise((resolve) => setImmediate(resolve));
        socket.resetAndDestroy();
      }
    };
    const storms = Array.from({ length: 20 }, storm);
    await probe(kero, 200);
    storming = false;
    await Promise.all(storms);
    const { counts } = kero.receiver;
    // fetch keeps a few for its next requests.
    await untilTrue(() => counts.connectionsOpen < 10 && counts.inFlight === 0 && counts.bytesInFlight === 0);
    assert.equal(counts.accepted, 200);
    assert.equal((await kero.records()).length, 200, 'what was cut off is not in the log');
  });
});

describe('bodies that do not come to their end', () => {
  const settings = {
    ...PATIENT,
    RECEIVER_MAX_BODY: '100000',
    RECEIVER_MAX_DECOMPRESSED: '100000',
    RECEIVER_MAX_IN_FLIGHT: '1000000',
  };
  const almostAll = postHead('content-length: 100000') + ' '.repeat(99_990);
  /** The answer as soon as it is none of 503. */
  const untilRoom = async (kero: ReceiverUnderTest, body: string): Promise<number> => {
    const giveUp = performance.now() + 60_000;
    for (;;) {
      const { status } = await kero.post(body);
      if (status !== 503 || performance.now() > giveUp) return status;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };

  for (const [what, drips] of [
    ['and stand still', false],
    ['of which a byte comes now and then', true],
  ] as const) {
    test(`${what} fill RECEIVER_MAX_IN_FLIGHT for a moment: then the oldest makes room`, async (t) => {
      const kero = await startTestReceiver(t, { settings });
      using attackers = await attack(kero.port, 10, () => (drips ? almostAll.slice(0, -5000) : almostAll));
      const drip = setInterval(() => {
        for (const socket of attackers.sockets) if (drips && socket.writable) socket.write(' ');
      }, 20);
      t.after(() => clearInterval(drip));
      await untilTrue(() => kero.receiver.counts.bytesInFlight >= (drips ? 949_900 : 999_900));
      const large = JSON.stringify(EVENT).padEnd(80_000, ' ');
      assert.equal((await kero.post(large)).status, 503);
      assert.equal(await untilRoom(kero, large), 202);
      assert.equal(kero.receiver.counts.rejected.request_timeout, 1, 'one of them was enough');
      await probe(kero, 20);
    });
  }

  test('pay for what came of them when they are ended', async (t) => {
    const limits = { RATE_LIMIT_ADDRESS_BYTES: '1000000', RATE_LIMIT_ADDRESS_BYTES_BURST: '50000' };
    const kero = await startTestReceiver(t, { settings: { ...settings, ...limits }, monotonicMs: () => 0 });
    using _ = await attack(kero.port, 10, () => almostAll);
    await untilTrue(() => kero.receiver.counts.bytesInFlight === 999_900);
    assert.equal(await untilRoom(kero, 'x'.repeat(150)), 400);
    assert.equal(kero.receiver.counts.rejected.request_timeout, 1);
    assert.equal((await kero.post(JSON.stringify(EVENT))).status, 429);
  });
});

describe('a client that does not take its answers', () => {
  const settings = { ...PATIENT, RECEIVER_ANSWER_TIMEOUT: '300ms' };

  test('is let go after RECEIVER_ANSWER_TIMEOUT, and counted', async (t) => {
    const kero = await startTestReceiver(t, { settings });
    using _ = await attack(kero.port, 3, () => GET.repeat(30));
    await untilTrue(() => kero.receiver.counts.connectionsStuck === 3);
    await untilTrue(() => kero.receiver.counts.connectionsOpen === 0);
  });

  test('is let go also when it takes a byte now and then', async (t) => {
    const kero = await startTestReceiver(t, { settings });
    using attackers = await attack(kero.port, 1, () => GET.repeat(30));
    const sip = setInterval(() => attackers.sockets[0]?.read(100), 20);
    t.after(() => clearInterval(sip));
    await untilTrue(() => kero.receiver.counts.connectionsStuck === 1);
  });

  test('is not a client that takes them slowly, but does', async (t) => {
    const kero = await startTestReceiver(t, { settings: { ...PATIENT, RECEIVER_ANSWER_TIMEOUT: '5s' } });
    const socket = connect(kero.port, '127.0.0.1');
    t.after(() => socket.destroy());
    socket.write(GET.repeat(20));
    let answers = 0;
    for await (const chunk of socket) {
      answers += chunk.toString('latin1').split('HTTP/1.1 200').length - 1;
      if (answers === 20) break;
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(kero.receiver.counts.connectionsStuck, 0);
  });
});
