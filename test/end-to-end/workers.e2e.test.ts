import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createServer } from 'node:net';
import process from 'node:process';
import { after, before, describe, type TestContext, test } from 'node:test';
import { type KafkaCluster, kafkaAvailability, startKafka } from '../support/kafka/kafka-cluster.ts';
import { readTopic } from '../support/kafka/kafka-console.ts';
import { throwawayTopic } from '../support/kafka/kafka-topics.ts';
import { type Ended, type KeroProcess, runKero, startKero, throwawayFolder } from '../support/kero-process.ts';
import { eventBody, type Posted, post, postUntil } from '../support/post-events.ts';
import { waitUntil } from '../support/wait-until.ts';

const kafkaProblem = await kafkaAvailability();
const given = process.env.TEST_KAFKA_BOOTSTRAP_SERVERS;
const skip = kafkaProblem.available ? (given ? 'stops brokers' : false) : kafkaProblem.reason;
const CLIENTS = 32;

/** Two workers on one port, and what the admin port of their parent tells. */
interface TwoWorkers {
  readonly kero: KeroProcess;
  readonly url: string;
  readonly topic: string;
  pids(): number[];
  ready(): Promise<{ status: number; parts: Record<string, { up: boolean; reason?: string }> }>;
  metric(name: string): Promise<number>;
}

describe('kero receiver with RECEIVER_WORKERS=2', { timeout: 400_000, skip }, () => {
  let kafka: KafkaCluster;

  before(async () => {
    kafka = await startKafka({ nodes: 1 });
  });
  after(() => kafka?.close());

  function environmentOf(topic: string): Record<string, string> {
    return {
      KAFKA_BOOTSTRAP_SERVERS: kafka.bootstrapServers.join(','),
      KAFKA_TOPIC: topic,
      KAFKA_TOPIC_CREATE: 'true',
      KAFKA_TOPIC_REPLICATION: '1',
      RECEIVER_PORT: '0',
      RECEIVER_DEADLINE: '20s',
      ADMIN_PORT: '0',
      RECEIVER_WORKERS: '2',
    };
  }

  async function start(t: TestContext): Promise<TwoWorkers> {
    const [topic, adminPort] = [throwawayTopic('workers'), await freePort()];
    const kero = startKero(t, ['receiver'], { ...environmentOf(topic), ADMIN_PORT: String(adminPort) });
    const [, url = ''] = await kero.printed(/receiver: POST (http:\S+)\/api/);
    const ask = (path: string) => fetch(`http://127.0.0.1:${adminPort}${path}`);
    const metric = async (name: string) => {
      const text = await (await ask('/metrics')).text();
      return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
    };
    await waitUntil(async () => (await metric('kero_workers_ready')) === 2);
    return {
      kero,
      url,
      topic,
      metric,
      pids: () => childrenOf(kero.child.pid ?? 0),
      ready: async () => {
        const response = await ask('/health/ready');
        return { status: response.status, parts: ((await response.json()) as { parts: never }).parts };
      },
    };
  }

  /** The events that got a 202 and are not in the topic. */
  async function lost(topic: string, ledger: readonly Posted[]): Promise<string[]> {
    const inTopic = new Set((await readTopic(kafka, topic)).map(({ value }) => JSON.parse(String(value)).event_id));
    return ledger.flatMap(({ eventId, outcome }) => (outcome === 'ok' && !inTopic.has(eventId) ? eventId : []));
  }

  /** Clients that all wait for the log, which stands still until `goOn`; that resolves when each has what it got last. */
  async function waitingClients(t: TestContext, { url, metric }: TwoWorkers) {
    const ledger: Posted[] = [];
    let isLast = false;
    const client = async (name: number) => {
      for (let n = 0; ; n++) {
        const eventId = `${name}-${n}`;
        const isAnswered = await post(url, eventBody(eventId)).then(
          ({ status }) => status === 202,
          () => false,
        );
        ledger.push({ eventId, outcome: isAnswered ? 'ok' : 'unknown' });
        if (isLast || !isAnswered) return isAnswered;
      }
    };
    const clients = Array.from({ length: CLIENTS }, (_, name) => client(name));
    await waitUntil(() => ledger.length > 300);
    await kafka.kill(0, 'SIGSTOP');
    let isStopped = true;
    const wake = async () => {
      if (isStopped) await kafka.kill(0, 'SIGCONT');
      isStopped = false;
    };
    t.after(wake);
    await waitUntil(async () => (await metric('kero_requests_in_flight')) === CLIENTS);
    isLast = true;
    return {
      ledger,
      goOn: async () => {
        await wake();
        return Promise.all(clients);
      },
    };
  }

  /** How many events each worker says that it has accepted, at its end. */
  function acceptedBy({ output }: Ended): number[] {
    const lines = output.split('\n').filter((line) => line.includes('receiver stopped'));
    return lines.map((line) => {
      const { worker, accepted } = JSON.parse(line) as { worker: number; accepted: number };
      assert.ok(worker > 0, line);
      return accepted;
    });
  }

  test('one is killed under load: every 202 is in the topic, the other goes on, a new one comes, metrics add up', async (t) => {
    const kero = await start(t);
    const { metric, topic, url } = kero;
    for (let n = 0; n < 50; n++) assert.equal((await post(url, eventBody(`before-${n}`))).status, 202);
    assert.equal(await metric('kero_events_accepted_total'), 50);
    assert.equal(await metric('kero_append_duration_seconds_count'), 50);
    assert.equal((await kero.ready()).status, 200);

    let isOver = false;
    t.after(() => {
      isOver = true;
    });
    const confirmed = () => metric('kero_events_accepted_total');
    const posting = postUntil(url, 'load', () => isOver, CLIENTS);
    await waitUntil(async () => (await confirmed()) > 500);
    const [victim = 0, other = 0] = kero.pids();
    process.kill(victim, 'SIGKILL');
    let highest = 0;
    let count = await confirmed();
    await waitUntil(async () => {
      highest = Math.max(highest, count);
      count = await confirmed();
      assert.ok(count >= highest, `the sum has fallen from ${highest} to ${count}`);
      return (await metric('kero_worker_restarts_total')) === 1 && (await metric('kero_workers_ready')) === 2;
    });
    assert.equal((await kero.ready()).status, 200);
    assert.ok(kero.pids().includes(other), 'the other one is still there');
    assert.equal(kero.pids().length, 2);
    await waitUntil(async () => (await confirmed()) > highest + 300);
    isOver = true;
    const ledger = await posting;
    assert.match(kero.kero.output(), /worker \d ended \(SIGKILL\): starting another/);
    assert.equal(kero.kero.output().match(/receiver: POST/g)?.length, 1, 'where it listens is said once');

    const before = await confirmed();
    for (let n = 0; n < 50; n++) assert.equal((await post(url, eventBody(`after-${n}`))).status, 202);
    assert.equal(await confirmed(), before + 50);
    assert.equal(await metric('kero_requests_in_flight'), 0);
    const ended = await kero.kero.stop();
    assert.equal(ended.code, 0, ended.output);
    assert.equal(acceptedBy(ended).length, 2);
    assert.deepEqual(await lost(topic, ledger), []);
  });

  test('SIGTERM to the parent under load: not ready, every request is answered, and all are gone', async (t) => {
    const kero = await start(t);
    const clients = await waitingClients(t, kero);
    kero.kero.child.kill('SIGTERM');
    await waitUntil(async () => (await kero.ready()).status === 503);
    assert.equal((await kero.ready()).parts.process?.reason, 'stopping');
    assert.deepEqual(await clients.goOn(), Array(CLIENTS).fill(true));
    const ended = await kero.kero.ended;
    assert.equal(ended.code, 0, ended.output);
    const accepted = acceptedBy(ended);
    assert.equal(accepted.length, 2);
    assert.ok(
      accepted.every((count) => count > 0),
      `both have worked: ${accepted}`,
    );
    assert.equal(
      accepted.reduce((sum, count) => sum + count, 0),
      clients.ledger.length,
    );
    assert.deepEqual(await lost(kero.topic, clients.ledger), []);
    assert.match(ended.output.trim().split('\n').at(-1) ?? '', /"msg":"stopped"/);
  });

  test('Ctrl-C, which every process of the group gets: a stop in order', async (t) => {
    const kero = await start(t);
    const clients = await waitingClients(t, kero);
    for (const pid of [kero.kero.child.pid ?? 0, ...kero.pids()]) process.kill(pid, 'SIGINT');
    await waitUntil(async () => (await kero.ready()).status === 503);
    assert.deepEqual(await clients.goOn(), Array(CLIENTS).fill(true));
    const ended = await kero.kero.ended;
    assert.equal(ended.code, 0, ended.output);
  });

  test('a second signal, a second or more later, ends all of them by force', async (t) => {
    const kero = await start(t);
    await waitingClients(t, kero);
    let code: number | null | undefined;
    // Its output is closed when the last of the processes is gone.
    void kero.kero.ended.then((ended) => {
      code = ended.code;
    });
    await waitUntil(() => {
      kero.kero.child.kill('SIGTERM');
      return code !== undefined;
    });
    assert.equal(code, 1);
    assert.match(kero.kero.output(), /second SIGTERM: ending by force/);
  });

  test('a parent that is killed: the workers answer what they have, and go', async (t) => {
    const kero = await start(t);
    const clients = await waitingClients(t, kero);
    kero.kero.child.kill('SIGKILL');
    await kero.kero.printed(/"worker":1,"msg":"stopping \(parent process gone\)/);
    await kero.kero.printed(/"worker":2,"msg":"stopping \(parent process gone\)/);
    await assert.rejects(post(kero.url, eventBody('too-late')));
    assert.deepEqual(await clients.goOn(), Array(CLIENTS).fill(true));
    // Its output is closed when the last of the processes is gone.
    await kero.kero.ended;
    assert.deepEqual(await lost(kero.topic, clients.ledger), []);
  });

  test('what keeps the first worker from starting ends the parent, with its error', async (t) => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => server.close());
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const { code, output } = await runKero(t, ['receiver'], {
      ...environmentOf(throwawayTopic('workers')),
      RECEIVER_PORT: String(port),
    });
    assert.equal(code, 1);
    const last = JSON.parse(output.trim().split('\n').at(-1) ?? '') as { code: string; msg: string; worker?: number };
    assert.deepEqual([last.code, last.worker], ['address_in_use', undefined]);
    assert.match(last.msg, /RECEIVER_PORT/);
    assert.doesNotMatch(output, /starting another|"worker":2/);
  });
});

test('kero start is one process, and says what to do instead', async (t) => {
  const { code, output } = await runKero(t, ['start'], {
    KERO_DATA_DIR: throwawayFolder(t),
    RECEIVER_WORKERS: 'auto',
    RECEIVER_PORT: '0',
    ADMIN_PORT: '0',
  });
  assert.equal(code, 1);
  assert.match(output, /settings_invalid.*RECEIVER_WORKERS: .*`kero receiver`/);
});

function childrenOf(pid: number): number[] {
  return execFileSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map(Number);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}
