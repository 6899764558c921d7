import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { FaultyProxy } from './faulty-proxy.ts';
import { waitFor } from './wait-for.ts';

/** A server that answers `<what came>!`, and a client of it behind the proxy. */
async function setUp(t: TestContext) {
  const received: string[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      received.push(String(bytes));
      socket.write(`${bytes}!`);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const proxy = await FaultyProxy.start('test', () => ({ host: '127.0.0.1', port }));
  t.after(async () => {
    await proxy[Symbol.asyncDispose]();
    server.close();
  });
  const open = (to = proxy.port) => {
    const socket = connect(to, '127.0.0.1');
    const answers: string[] = [];
    socket.on('data', (bytes) => answers.push(String(bytes)));
    socket.on('error', () => {});
    return { socket, answers };
  };
  const openPast = () => open(port);
  return { proxy, received, open, openPast };
}

const closed = (socket: Socket) => waitFor(() => socket.destroyed, 5000, 'the connection to break');

describe('the faulty proxy', { timeout: 30_000 }, () => {
  test('passes both ways', async (t) => {
    const { open } = await setUp(t);
    const { socket, answers } = open();
    socket.write('a');
    await waitFor(() => answers.join('') === 'a!', 5000, 'the answer');
  });

  test('cut: open connections and new ones break, and after it new ones work', async (t) => {
    const { proxy, open } = await setUp(t);
    const before = open();
    await once(before.socket, 'connect');
    proxy.set({ kind: 'cut' });
    await closed(before.socket);
    const during = open();
    await closed(during.socket);
    proxy.set({ kind: 'pass' });
    const after = open();
    after.socket.write('b');
    await waitFor(() => after.answers.join('') === 'b!', 5000, 'the answer');
  });

  test('blackhole: what was sent meanwhile arrives when it ends, in order', async (t) => {
    const { proxy, open, openPast, received } = await setUp(t);
    const { socket, answers } = open();
    await once(socket, 'connect');
    proxy.set({ kind: 'blackhole' });
    socket.write('c');
    const late = open();
    late.socket.write('d');
    const past = openPast();
    past.socket.write('quick');
    await waitFor(() => past.answers.join('') === 'quick!', 5000, 'the answer past the proxy');
    past.socket.destroy();
    assert.deepEqual(received, ['quick']);
    proxy.set({ kind: 'pass' });
    await waitFor(() => answers.join('') === 'c!' && late.answers.join('') === 'd!', 5000, 'the late answers');
  });

  test('silence: an open connection carries nothing, not even its end; a new one works', async (t) => {
    const { proxy, open, received } = await setUp(t);
    const old = open();
    old.socket.write('old');
    await waitFor(() => old.answers.join('') === 'old!', 5000, 'the answer before');
    proxy.set({ kind: 'silence' });
    old.socket.write('lost');
    const fresh = open();
    fresh.socket.write('new');
    await waitFor(() => fresh.answers.join('') === 'new!', 5000, 'the answer to the new connection');
    proxy.set({ kind: 'pass' });
    fresh.socket.write('er');
    await waitFor(() => fresh.answers.join('') === 'new!er!', 5000, 'the second answer');
    assert.deepEqual(received, ['old', 'new', 'er']);
    assert.ok(!old.socket.destroyed);
  });

  test('drop-answers: the server gets the request, the client never an answer', async (t) => {
    const { proxy, open, received } = await setUp(t);
    const { socket, answers } = open();
    proxy.set({ kind: 'drop-answers' });
    socket.write('e');
    await waitFor(() => received.includes('e'), 5000, 'the request to arrive');
    proxy.set({ kind: 'pass' });
    await closed(socket);
    assert.deepEqual(answers, []);
  });

  test('delay: bytes arrive later', async (t) => {
    const { proxy, open } = await setUp(t);
    const { socket, answers } = open();
    proxy.set({ kind: 'delay', delayMs: 150 });
    const startedAt = performance.now();
    socket.write('f');
    await waitFor(() => answers.join('') === 'f!', 5000, 'the answer');
    assert.ok(performance.now() - startedAt >= 290, 'late on the way there and on the way back');
  });
});
