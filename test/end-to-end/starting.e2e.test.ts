import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { type KeroProcess, startKero, throwawayFolder } from '../support/kero-process.ts';

/** A port on which nobody listens: it was free a moment ago. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A port that takes connections and says nothing. */
async function silentPort(t: TestContext): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    t.after(() => socket.destroy());
  }).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function start(t: TestContext, command: string, settings: Record<string, string>): KeroProcess {
  return startKero(t, [command], {
    KERO_DATA_DIR: throwawayFolder(t),
    RECEIVER_PORT: '0',
    ADMIN_PORT: '0',
    LOG_FORMAT: 'json',
    ...settings,
  });
}

function lines(kero: KeroProcess): { readonly level: string; readonly msg: string }[] {
  return kero
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
}

async function stopsQuietly(kero: KeroProcess): Promise<void> {
  const began = performance.now();
  const { code, output } = await kero.stop('SIGINT');
  assert.equal(code, 0, output);
  assert.ok(performance.now() - began < 5000, 'it does not wait for what it was waiting for');
  assert.match(output, /stopping \(SIGINT\)/);
  assert.doesNotMatch(output, /fatal|Kero is running/);
  assert.equal(lines(kero).at(-1)?.msg, 'stopped');
}

const WAITING = /"level":"warn".*cannot be used yet: .*; waiting until it can/;

describe('a start says first what it is going to use, and hears a stop', { timeout: 240_000 }, () => {
  test('everything embedded, while the cluster is being made', async (t) => {
    const folder = throwawayFolder(t);
    const kero = start(t, 'start', { KERO_DATA_DIR: folder });
    await kero.printed(/making a new PostgreSQL cluster/);
    await stopsQuietly(kero);
    assert.deepEqual(
      readdirSync(join(folder, 'postgres')).filter((name) => name.startsWith('data')),
      [],
    );
    assert.match(lines(kero)[0]?.msg ?? '', /^messaging: embedded log in \/.*; database: embedded PostgreSQL in \/.*/);
  });

  test('waiting for Kafka that refuses connections', async (t) => {
    const port = await closedPort();
    const kafka = { KAFKA_BOOTSTRAP_SERVERS: `127.0.0.1:${port}`, KAFKA_TOPIC: 'mine' };
    for (const command of ['start', 'receiver']) {
      const kero = start(t, command, kafka);
      await kero.printed(WAITING);
      await stopsQuietly(kero);
      const first = lines(kero)[0]?.msg ?? '';
      assert.ok(first.startsWith(`messaging: Kafka 127.0.0.1:${port}, topic mine`), first);
    }
  });

  test('waiting for Kafka that says nothing: the line comes long before the end of the wait', async (t) => {
    const kero = start(t, 'start', { KAFKA_BOOTSTRAP_SERVERS: `127.0.0.1:${await silentPort(t)}` });
    await kero.printed(/no answer; waiting until it can/);
    await stopsQuietly(kero);
    assert.equal(lines(kero).filter(({ level }) => level === 'warn').length, 1, kero.output());
  });

  for (const [what, portOf] of Object.entries({ 'refuses connections': closedPort, 'says nothing': silentPort })) {
    test(`waiting for PostgreSQL that ${what}`, async (t) => {
      const port = await portOf(t);
      const settings = {
        POSTGRES_HOST: `127.0.0.1:${port}`,
        POSTGRES_USER: 'kero',
        POSTGRES_PASSWORD: 'a-secret',
        KAFKA_BOOTSTRAP_SERVERS: `127.0.0.1:${await closedPort()}`,
      };
      const kero = start(t, 'processor', settings);
      await kero.printed(WAITING);
      await stopsQuietly(kero);
      const first = lines(kero)[0]?.msg ?? '';
      assert.ok(first.endsWith(`; database: PostgreSQL 127.0.0.1:${port}, database processor`), first);
      assert.doesNotMatch(kero.output(), /a-secret/);
    });
  }

  test('with START_TIMEOUT it waits no longer than that, and ends with what to do', async (t) => {
    const kafka = `127.0.0.1:${await closedPort()}`;
    const kero = start(t, 'receiver', { KAFKA_BOOTSTRAP_SERVERS: kafka, START_TIMEOUT: '2s' });
    const { code, output } = await kero.ended;
    assert.equal(code, 1, output);
    assert.match(output, /waiting for up to 2 s/);
    assert.match(lines(kero).at(-1)?.msg ?? '', /no Kafka broker could be used.*\nCheck KAFKA_BOOTSTRAP_SERVERS/);
  });
});
