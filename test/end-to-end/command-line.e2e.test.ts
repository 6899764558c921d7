import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { LAUNCHER, runKero, startKero, throwawayFolder, watchProcess } from '../support/kero-process.ts';
import { waitUntil } from '../support/wait-until.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

describe('the kero command', { timeout: 120_000 }, () => {
  test('the launcher works with the Node that runs npm, whatever its version (>= 20)', async (t) => {
    const node = process.env.npm_node_execpath ?? process.execPath;
    const { code, output } = await runKero(t, ['--version'], {}, { node });
    assert.equal(code, 0, output);
    assert.match(output, /^\d+\.\d+\.\d+\n$/);
  });

  test('what was compiled is kept, so that a later start need not take out any types', async (t) => {
    const cache = join(throwawayFolder(t), 'cache');
    const keepsIn = { NODE_COMPILE_CACHE: cache, NODE_DEBUG_NATIVE: 'COMPILE_CACHE' };
    await runKero(t, ['--version'], keepsIn);
    assert.ok(readdirSync(cache).length > 0);
    const { code, output } = await runKero(t, ['--version'], keepsIn);
    assert.equal(code, 0);
    assert.match(output, /retrieving transpile cache .*apps\/cli\/src\/main\.ts\.+success/, 'the first source, too');
    assert.doesNotMatch(output, /no transpile cache/);
  });

  test('help lists every command; an unknown one exits 2', async (t) => {
    const help = await runKero(t, ['--help'], {});
    assert.equal(help.code, 0);
    for (const command of [
      'start',
      'receiver',
      'processor',
      'migrate',
      'demo',
      'send',
      'sql',
      'dead-letters',
      'offsets',
      'config',
    ]) {
      assert.match(help.output, new RegExp(`^  ${command}\\b`, 'm'));
    }
    assert.equal((await runKero(t, ['strat'], {})).code, 2);
  });

  test('config --check prints every value with its source, masks secrets, and lists all mistakes', async (t) => {
    const cwd = throwawayFolder(t);
    writeFileSync(join(cwd, '.env'), 'POSTGRES_PASSWORD=hunter2\nKAFKA_TOPIC=mine\nKAFKA_TOPICS=typo\n');
    const good = await runKero(t, ['config', '--check'], { RECEIVER_PORT: '1234' }, { cwd });
    assert.equal(good.code, 0, good.output);
    assert.match(good.output, /^RECEIVER_PORT +1234 +environment$/m);
    assert.match(good.output, /^KAFKA_TOPIC +mine +\.env$/m);
    assert.match(good.output, /^POSTGRES_PASSWORD +\*{8} +\.env$/m);
    assert.match(good.output, /^LOG_LEVEL +info +default$/m);
    assert.match(good.output, /KAFKA_TOPICS is not a setting of Kero.*did you mean KAFKA_TOPIC\?/);
    assert.doesNotMatch(good.output, /hunter2/);

    const bad = await runKero(t, ['config', '--check'], {
      RECEIVER_PORT: 'x',
      SHUTDOWN_TIMEOUT: '25',
      RECEIVER_HOST: '0.0.0.0',
    });
    assert.equal(bad.code, 1);
    assert.match(bad.output, /RECEIVER_PORT: expected a whole number/);
    assert.match(bad.output, /SHUTDOWN_TIMEOUT: expected a number with a unit/);
  });

  test('start reports all mistakes before it opens anything', async (t) => {
    const folder = join(throwawayFolder(t), 'data');
    const { code, output } = await runKero(t, ['start'], {
      KERO_DATA_DIR: folder,
      RECEIVER_PORT: 'x',
      LOG_LEVEL: 'loud',
    });
    assert.equal(code, 1);
    assert.match(output, /RECEIVER_PORT[\s\S]*LOG_LEVEL|LOG_LEVEL[\s\S]*RECEIVER_PORT/);
    assert.match(output, /kero config --check/);
  });

  test('receiver and processor on their own need Kafka and say so', async (t) => {
    for (const command of ['receiver', 'processor']) {
      const { code, output } = await runKero(t, [command], { ADMIN_PORT: '0', RECEIVER_PORT: '0' });
      assert.equal(code, 1, output);
      assert.match(output, /KAFKA_BOOTSTRAP_SERVERS/);
      assert.match(output, /kero start/);
    }
  });

  test('a port that is taken is named with its setting', async (t) => {
    const environment = { KERO_DATA_DIR: throwawayFolder(t), RECEIVER_PORT: '0', ADMIN_PORT: '0' };
    const first = startKero(t, ['start'], environment);
    const [, port] = await first.printed(/receiver +http:\/\/127\.0\.0\.1:(\d+)/);
    const second = await runKero(t, ['start'], {
      ...environment,
      KERO_DATA_DIR: throwawayFolder(t),
      RECEIVER_PORT: String(port),
    });
    assert.equal(second.code, 1);
    assert.match(second.output, new RegExp(`port ${port} .*RECEIVER_PORT`));
  });

  test('signals reach the program through npm, and everything it started is gone', async (t) => {
    const environment = { KERO_DATA_DIR: throwawayFolder(t), RECEIVER_PORT: '0', ADMIN_PORT: '0' };
    const npm = watchProcess(
      spawn('npm', ['start'], {
        cwd: root,
        env: { ...process.env, ...environment },
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
    t.after(() => npm.stop('SIGKILL'));
    const [, port] = await npm.printed(/psql -h 127\.0\.0\.1 -p (\d+)/);
    const ended = await npm.stop('SIGTERM');
    assert.match(ended.output, /stopping \(SIGTERM\)/);
    assert.match(ended.output, /stopped/);
    await waitUntil(() => isClosed(Number(port)), { what: 'the embedded PostgreSQL to be gone' });
  });

  test('a launcher that is killed takes Kero down with it, politely', async (t) => {
    const environment = { KERO_DATA_DIR: throwawayFolder(t), RECEIVER_PORT: '0', ADMIN_PORT: '0' };
    const node = process.env.npm_node_execpath ?? process.execPath;
    const kero = watchProcess(
      spawn(node, [LAUNCHER, 'start'], {
        cwd: throwawayFolder(t),
        env: { PATH: process.env.PATH, HOME: process.env.HOME, ...environment },
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
    const [, port] = await kero.printed(/psql -h 127\.0\.0\.1 -p (\d+)/);
    await kero.stop('SIGKILL');
    const version = execFileSync(node, ['--version'], { encoding: 'utf8' });
    const isOwnProcess = Number(/\d+/.exec(version)?.[0]) >= 24;
    // Without a launcher in between, kill -9 leaves the server to the next start, which stops it first.
    if (isOwnProcess) {
      const next = startKero(t, ['start'], environment);
      await next.printed(/Kero is running/);
      await next.stop();
    }
    await waitUntil(() => isClosed(Number(port)), { what: 'the embedded PostgreSQL to be gone' });
  });

  test('the demo adds up and exits 0', async (t) => {
    const { code, output } = await runKero(t, ['demo', '--events', '600'], {});
    assert.equal(code, 0, output);
    assert.match(output, /Everything adds up/);
    assert.doesNotMatch(output, /FAILED/);
  });
});

async function isClosed(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', () => resolve(true));
  });
}
