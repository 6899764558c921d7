import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import process from 'node:process';
import { after, before, describe, type TestContext, test } from 'node:test';
import { type KafkaCluster, kafkaAvailability, startKafka } from '../support/kafka/kafka-cluster.ts';
import { readTopic } from '../support/kafka/kafka-console.ts';
import { throwawayTopic } from '../support/kafka/kafka-topics.ts';
import { type KeroProcess, runKero, startKero } from '../support/kero-process.ts';
import { eventBody, type Posted, post } from '../support/post-events.ts';
import { anyPostgresServer, type PostgresServer } from '../support/postgres/postgres-server.ts';
import { TcpProxy } from '../support/postgres/tcp-proxy.ts';
import { waitUntil } from '../support/wait-until.ts';

const kafkaProblem = await kafkaAvailability();
const given = process.env.TEST_KAFKA_BOOTSTRAP_SERVERS;
const skip = kafkaProblem.available ? (given ? 'stops brokers' : false) : kafkaProblem.reason;
const SHUTDOWN_TIMEOUT_MS = 25_000;

interface Health {
  readonly status: number;
  readonly parts: Readonly<Record<string, { readonly up: boolean; readonly reason?: string }>>;
}

/** A process, and what its admin port tells. */
interface Observed {
  readonly kero: KeroProcess;
  ready(): Promise<Health>;
  live(): Promise<Health>;
  metric(name: string): Promise<number | undefined>;
}

describe('receiver and processor while Kafka or PostgreSQL is away', { timeout: 400_000, skip }, () => {
  let kafka: KafkaCluster;
  let postgres: { server: PostgresServer; remove: () => Promise<void> };

  before(async () => {
    [kafka, postgres] = await Promise.all([startKafka({ nodes: 1 }), anyPostgresServer()]);
  });
  after(async () => {
    await kafka?.close();
    await postgres?.remove();
  });

  async function setUp(t: TestContext) {
    const topic = throwawayTopic('outages');
    const config = await postgres.server.newDatabase(t);
    const [server] = config.hosts;
    const proxy = await TcpProxy.start(server ?? assert.fail('no host'));
    t.after(() => proxy[Symbol.asyncDispose]());
    const environment = {
      KAFKA_BOOTSTRAP_SERVERS: kafka.bootstrapServers.join(','),
      KAFKA_TOPIC: topic,
      KAFKA_TOPIC_CREATE: 'true',
      KAFKA_TOPIC_REPLICATION: '1',
      KAFKA_GROUP_ID: `group-of-${topic}`,
      POSTGRES_HOST: `127.0.0.1:${proxy.port}`,
      POSTGRES_USER: config.user,
      POSTGRES_PASSWORD: config.password ?? '',
      POSTGRES_DB: config.database,
      RECEIVER_PORT: '0',
      ADMIN_HOST: '127.0.0.1',
    };
    assert.equal((await runKero(t, ['migrate'], environment)).code, 0);
    const start = async (command: string, adminPort: number): Promise<Observed> => {
      const kero = startKero(t, [command], { ...environment, ADMIN_PORT: String(adminPort) });
      // 0 while it does not listen yet.
      const get = async (path: string): Promise<Health> => {
        const response = await fetch(`http://127.0.0.1:${adminPort}${path}`).catch(() => undefined);
        return { status: response?.status ?? 0, parts: ((await response?.json()) as Health | undefined)?.parts ?? {} };
      };
      return {
        kero,
        ready: () => get('/health/ready'),
        live: () => get('/health/live'),
        metric: async (name) => {
          const text = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
          const line = text.split('\n').find((it) => it.startsWith(`${name} `));
          return line === undefined ? undefined : Number(line.slice(name.length + 1));
        },
      };
    };
    const receiver = async () => {
      const observed = await start('receiver', await freePort());
      const [, url = ''] = await observed.kero.printed(/receiver: POST (http:\S+)\/api/);
      await waitUntil(async () => (await observed.ready()).status === 200);
      return { ...observed, url };
    };
    const processor = async () => {
      const observed = await start('processor', await freePort());
      await waitUntil(async () => (await observed.ready()).status === 200);
      return observed;
    };
    const count = async (table: string) =>
      Number((await postgres.server.run(`select count(*) from ${table}`, config.database))[0]?.[0]);
    return { topic, proxy, start, receiver, processor, count };
  }

  /** Stops it and checks that it ends by itself, in time and in order. */
  async function stopsInOrder({ kero }: Observed): Promise<string> {
    const began = performance.now();
    const { code, output } = await kero.stop();
    const took = performance.now() - began;
    assert.equal(code, 0, output);
    assert.ok(took < SHUTDOWN_TIMEOUT_MS, `${took} ms`);
    return output;
  }

  test('while Kafka is away both say so, stay live, answer 503 at once, go on by themselves, and stop in order', async (t) => {
    const { receiver, processor, count } = await setUp(t);
    const [taking, writing] = [await receiver(), await processor()];
    assert.equal((await post(taking.url, eventBody('a'))).status, 202);
    await waitUntil(async () => (await count('events')) === 1);
    assert.equal(await taking.metric('kero_consumer_lag{partition="0"}'), 0);

    await kafka.kill(0, 'SIGKILL');
    await waitUntil(async () => (await taking.ready()).status === 503, { timeoutMs: 15_000 });
    assert.match((await taking.ready()).parts.log?.reason ?? '', /ECONNREFUSED|no broker/);
    const began = performance.now();
    const refused = await post(taking.url, eventBody('b'));
    assert.equal(refused.status, 503);
    assert.ok(performance.now() - began < 1000, 'the first one does not wait either');
    assert.ok(Number(refused.headers.get('retry-after')) >= 1);
    assert.equal((await fetch(`${taking.url}/health/ready`)).status, 503);
    await waitUntil(async () => (await writing.ready()).status === 503, { timeoutMs: 40_000 });
    assert.equal((await writing.ready()).parts['log consumer']?.up, false);
    for (const each of [taking, writing]) assert.equal((await each.live()).status, 200);

    await kafka.start(0);
    for (const each of [taking, writing]) {
      await waitUntil(async () => (await each.ready()).status === 200, { timeoutMs: 60_000 });
    }
    await waitUntil(async () => (await post(taking.url, eventBody('c'))).status === 202);
    await waitUntil(async () => (await count('events')) >= 2);

    await kafka.kill(0, 'SIGKILL');
    await waitUntil(async () => (await taking.ready()).status === 503);
    try {
      await Promise.all([stopsInOrder(taking), stopsInOrder(writing)]);
    } finally {
      await kafka.start(0);
    }
  });

  test('started while both are away they wait, not ready and live, say once what for and what to do, and begin by themselves', async (t) => {
    const { start, proxy, count } = await setUp(t);
    proxy.blackhole = true;
    await kafka.kill(0, 'SIGTERM');
    const [taking, writing] = [await start('receiver', await freePort()), await start('processor', await freePort())];
    try {
      for (const each of [taking, writing]) {
        await each.kero.printed(/cannot be used yet: .*; waiting until it can/);
        // Longer than a command of a person would wait.
        await each.kero.printed(/"level":"error".*This process goes on waiting, and is not ready before/);
        assert.equal((await each.ready()).parts.process?.reason, 'starting');
        assert.equal((await each.live()).status, 200);
      }
    } finally {
      await kafka.start(0);
    }
    const [, url = ''] = await taking.kero.printed(/receiver: POST (http:\S+)\/api/);
    proxy.blackhole = false;
    for (const each of [taking, writing]) {
      await waitUntil(async () => (await each.ready()).status === 200, { timeoutMs: 60_000 });
      await each.kero.printed(/can be used after \d+ s/);
      assert.equal(each.kero.output().match(/cannot be used yet/g)?.length, 1, each.kero.output());
    }
    await waitUntil(async () => (await post(url, eventBody('a'))).status === 202);
    await waitUntil(async () => (await count('events')) === 1);
  });

  test('while PostgreSQL does not answer the processor is paused, not ready, live, and stops in order', async (t) => {
    const { receiver, processor, proxy, count } = await setUp(t);
    const [taking, writing] = [await receiver(), await processor()];
    assert.equal((await post(taking.url, eventBody('a'))).status, 202);
    await waitUntil(async () => (await count('events')) === 1);

    proxy.cut();
    proxy.blackhole = true;
    for (const id of ['b', 'c', 'd']) assert.equal((await post(taking.url, eventBody(id))).status, 202);
    assert.equal((await taking.ready()).status, 200, 'the receiver does not need PostgreSQL');
    await waitUntil(async () => ((await writing.metric('kero_partitions_paused')) ?? 0) > 0);
    await waitUntil(async () => /^paused for \d+ s/.test((await writing.ready()).parts.processor?.reason ?? ''));
    assert.equal((await writing.live()).status, 200);
    await waitUntil(async () => ((await taking.metric('kero_oldest_unstored_event_seconds')) ?? 0) > 8);
    const output = await stopsInOrder(writing);
    const pauses = output.match(/partition paused/g)?.length ?? 0;
    assert.ok(pauses >= 1 && pauses <= 2, 'one line for each batch that waits, and two are written side by side');

    proxy.blackhole = false;
    await processor();
    await waitUntil(async () => (await count('events')) === 4);
    await waitUntil(async () => (await taking.metric('kero_oldest_unstored_event_seconds')) === 0);
  });

  test('SIGTERM under load while the log is slow: not ready at once, every 202 is in the log, and it ends in order', async (t) => {
    const { topic, receiver } = await setUp(t);
    const taking = await receiver();
    const ledger: Posted[] = [];
    let stopping = false;
    const client = async (name: number) => {
      for (let n = 0; !stopping; n++) {
        const eventId = `${name}-${n}`;
        const outcome = await post(taking.url, eventBody(eventId)).then(
          async (response) => (response.status === 202 ? 'ok' : 'unknown'),
          () => 'unknown' as const,
        );
        ledger.push({ eventId, outcome } as Posted);
      }
    };
    const clients = Array.from({ length: 32 }, (_, name) => client(name));
    const confirmed = () => ledger.filter(({ outcome }) => outcome === 'ok').length;
    await waitUntil(() => confirmed() > 300);

    await kafka.kill(0, 'SIGSTOP');
    // All clients wait for the log now.
    await waitUntil(async () => (await taking.metric('kero_requests_in_flight')) === 32);
    const waiting = confirmed();
    const stopped = stopsInOrder(taking);
    await waitUntil(async () => (await taking.ready()).status === 503);
    assert.equal((await taking.ready()).parts.process?.reason, 'stopping');
    assert.equal(confirmed(), waiting, 'they still wait');
    stopping = true;
    await kafka.kill(0, 'SIGCONT');
    await stopped;
    await Promise.all(clients);
    assert.ok(confirmed() > waiting, 'those that waited got their answer');

    const stored = new Set((await readTopic(kafka, topic)).map(({ value }) => JSON.parse(String(value)).event_id));
    const lost = ledger.filter(({ eventId, outcome }) => outcome === 'ok' && !stored.has(eventId));
    assert.deepEqual(lost, []);
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}
