import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { EVENT, startTestReceiver, untilTrue } from '../receiver-under-test.ts';

const PROGRAM = fileURLToPath(new URL('./few-files-under-test.ts', import.meta.url));
const OPEN_FILES = 280;

/** A receiver in a process that may open only so many files. */
async function startWithFewFiles(t: TestContext, mode: 'bounded' | 'unbounded') {
  const folder = mkdtempSync(join(tmpdir(), 'kero-few-files-'));
  const limited = `ulimit -n ${OPEN_FILES} && exec "$0" "$@"`;
  const child = spawn('sh', ['-c', limited, process.execPath, PROGRAM, folder, mode], { stdio: 'pipe' });
  const ended = once(child, 'exit');
  t.after(async () => {
    child.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  });
  let output = '';
  let log = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (log += chunk));
  await untilTrue(() => output.includes('\n') || child.exitCode !== null);
  assert.equal(child.exitCode, null, log);
  const port = Number(output);
  return {
    port,
    log: () => log,
    openFiles: () => readdirSync(`/proc/${child.pid}/fd`).length,
    alive: () => child.exitCode === null && child.signalCode === null,
  };
}

/** The status that one event gets, or undefined where there was no answer. */
function post(port: number, agent: Agent | false): Promise<number | undefined> {
  return new Promise((resolve) => {
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ ...EVENT, event_timestamp: new Date().toISOString() });
    const call = request(
      { port, host: '127.0.0.1', path: '/api/v1/events', method: 'POST', headers, agent },
      (response) => {
        response.resume().once('end', () => resolve(response.statusCode));
      },
    );
    call.on('error', () => resolve(undefined)).end(body);
  });
}

/** Tries to open more connections than there are files; gives those that were not closed at once. */
async function exhaust(port: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  for (let n = 0; n < OPEN_FILES + 100; n++) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    sockets.push(socket);
    await Promise.race([once(socket, 'connect'), once(socket, 'close')]);
  }
  return sockets;
}

describe('a receiver that may open few files', { skip: process.platform !== 'linux' }, () => {
  test('takes fewer connections than it is set to, says so, and keeps files for everything else', async (t) => {
    const kero = await startWithFewFiles(t, 'bounded');
    assert.match(kero.log(), /RECEIVER_MAX_CONNECTIONS is 10000, but this process may open only 280 files: taking 80/);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    assert.equal(await post(kero.port, agent), 202);
    const sockets = await exhaust(kero.port);
    assert.ok(kero.openFiles() < OPEN_FILES - 50, `${kero.openFiles()} files`);
    for (const socket of sockets) socket.destroy();
    let status: number | undefined;
    while (status !== 202) status = await post(kero.port, false);
    assert.ok(kero.alive());
  });

  test('that has none left lives on, serves whom it has, and recovers', async (t) => {
    const kero = await startWithFewFiles(t, 'unbounded');
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    assert.equal(await post(kero.port, agent), 202);
    const sockets = await exhaust(kero.port);
    await untilTrue(() => kero.openFiles() >= OPEN_FILES - 1);
    assert.equal(await post(kero.port, agent), 202, 'over the connection that was there before');
    for (const socket of sockets) socket.destroy();
    let status: number | undefined;
    while (status !== 202) status = await post(kero.port, false);
    assert.ok(kero.alive());
  });
});

test('connections that cannot be accepted are one log line, and no end of the process', async (t) => {
  const { receiver, logLines, post: send } = await startTestReceiver(t);
  // Usually libuv closes such a connection itself; it tells only where it has no file left for that either.
  for (let n = 0; n < 3; n++) receiver.server.emit('error', new Error('accept EMFILE'));
  const lines = logLines.filter(({ msg }) => msg === 'connections cannot be accepted');
  assert.deepEqual(
    lines.map(({ level, reason }) => [level, reason]),
    [['warn', 'accept EMFILE']],
  );
  assert.equal((await send(JSON.stringify(EVENT))).status, 202);
});
