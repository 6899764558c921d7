import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { type KafkaCluster, kafkaAvailability, startKafka } from '../support/kafka/kafka-cluster.ts';
import { readTopic, writeTopic } from '../support/kafka/kafka-console.ts';
import { deleteTopic, throwawayTopic } from '../support/kafka/kafka-topics.ts';
import { type KeroProcess, runKero, startKero } from '../support/kero-process.ts';
import { eventBody, post, postUntil } from '../support/post-events.ts';
import { anyPostgresServer, type PostgresServer } from '../support/postgres/postgres-server.ts';
import { waitUntil } from '../support/wait-until.ts';

const kafkaProblem = await kafkaAvailability();

describe('receiver and processor as processes of their own, on Kafka and PostgreSQL', {
  timeout: 300_000,
  skip: kafkaProblem.available ? false : kafkaProblem.reason,
}, () => {
  let kafka: KafkaCluster;
  let postgres: { server: PostgresServer; remove: () => Promise<void> };

  before(async () => {
    [kafka, postgres] = await Promise.all([startKafka({ nodes: 1 }), anyPostgresServer()]);
  });
  after(async () => {
    await kafka?.close();
    await postgres?.remove();
  });

  /** A topic and a database of its own, migrated, and how to start processes on them. */
  async function setUp(t: TestContext) {
    const topic = throwawayTopic('e2e');
    const config = await postgres.server.newDatabase(t);
    // Our own brokers are thrown away as a whole.
    if (!kafka.ours) t.after(() => deleteTopic(kafka, topic));
    const environment = {
      KAFKA_BOOTSTRAP_SERVERS: kafka.bootstrapServers.join(','),
      KAFKA_TOPIC: topic,
      KAFKA_TOPIC_CREATE: 'true',
      KAFKA_TOPIC_REPLICATION: '1',
      KAFKA_GROUP_ID: `group-of-${topic}`,
      POSTGRES_HOST: config.hosts.map(({ host, port }) => `${host}:${port}`).join(','),
      POSTGRES_USER: config.user,
      POSTGRES_PASSWORD: config.password ?? '',
      POSTGRES_DB: config.database,
      RECEIVER_PORT: '0',
      ADMIN_PORT: '0',
    };
    const migrated = await runKero(t, ['migrate'], environment);
    assert.equal(migrated.code, 0, migrated.output);
    const receiver = async () => {
      const kero = startKero(t, ['receiver'], environment);
      const [, url] = await kero.printed(/receiver: POST (http:\S+)\/api/);
      return { kero, url: url ?? '' };
    };
    const processor = async (extra: Record<string, string> = {}): Promise<KeroProcess> => {
      const kero = startKero(t, ['processor'], { ...environment, ...extra });
      await kero.printed(/messaging: Kafka/);
      return kero;
    };
    const sql = async (text: string) =>
      (await postgres.server.run(text, config.database)).map((row) => row.map(String));
    const count = async (table: string) => Number((await sql(`select count(*) from ${table}`))[0]?.[0]);
    return { topic, environment, receiver, processor, sql, count };
  }

  test('an event goes from curl to row; the record looks as documented to an independent reader', async (t) => {
    const { topic, receiver, processor, sql, count } = await setUp(t);
    const { kero, url } = await receiver();
    const body = eventBody('order-1', { user_id: 'Zoë 🦊', event_data: { item_id: '42', price: 0 } }).replace(
      '"price":0',
      '"price":19.90',
    );
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const response = await post(url, body, { traceparent });
    assert.equal(response.status, 202);
    const { id } = (await response.json()) as { id: string };

    const [record] = await readTopic(kafka, topic, 1);
    assert.equal(record?.key?.toString(), 'Zoë 🦊');
    assert.equal(record?.value?.toString(), body);
    const headers = Object.fromEntries(record?.headers.map(([name, value]) => [name, value?.toString()]) ?? []);
    assert.equal(headers['kero-id'], id);
    assert.equal(headers['kero-source'], 'default');
    assert.match(headers['kero-received-at'] ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/);
    assert.match(headers['content-type'] ?? '', /^application\/json/);
    assert.equal(headers.traceparent, traceparent);

    await processor();
    await waitUntil(async () => (await count('events')) === 1);
    const [row] = await sql(
      "select id, user_id, event_data->>'price', source, event_id, log_partition, log_offset from events",
    );
    assert.deepEqual(row, [
      id,
      'Zoë 🦊',
      '19.90',
      'default',
      'order-1',
      String(record?.partition),
      String(record?.offset),
    ]);
    assert.equal((await kero.stop()).code, 0);
  });

  test('records of another program, without headers, become rows; what is not an event becomes a dead letter', async (t) => {
    const { topic, processor, sql, count } = await setUp(t);
    // The processor makes the topic, as the receiver would.
    await processor();
    const event = JSON.parse(eventBody('x', { user_id: 'user-1' })) as Record<string, unknown>;
    const { event_id: _, ...required } = event;
    await writeTopic(kafka, topic, [
      { key: 'user-1', value: JSON.stringify(required) },
      { key: 'user-1', value: 'not json' },
      { key: 'user-1', value: '{"user_id":"user-1"}' },
      { key: 'user-1', value: null },
    ]);
    await waitUntil(async () => (await count('events')) === 1 && (await count('dead_letters')) === 3);
    const [row] = await sql('select user_id, source, received_at is not null from events');
    assert.deepEqual(row, ['user-1', 'default', 't']);
    const letters = await sql(
      "select reason, encode(payload, 'escape'), log_offset from dead_letters order by log_offset",
    );
    assert.deepEqual(letters, [
      ['not_an_event', 'not json', '1'],
      ['invalid', '{"user_id":"user-1"}', '2'],
      ['not_an_event', 'null', '3'],
    ]);
  });

  test('two processors share the work, one is killed, one stopped: nothing missing, nothing twice', async (t) => {
    const { receiver, processor, sql, count } = await setUp(t);
    const { kero, url } = await receiver();
    const [first, second] = await Promise.all([processor(), processor()]);
    let stopped = false;
    const posting = postUntil(url, 'load', () => stopped);
    await waitUntil(async () => (await count('events')) > 300);
    await first?.stop('SIGKILL');
    const third = await processor();
    const before = await count('events');
    await waitUntil(async () => (await count('events')) > before + 300, { timeoutMs: 60_000 });
    assert.equal((await second?.stop('SIGTERM'))?.code, 0);
    stopped = true;
    const ledger = await posting;
    const accepted = ledger.filter(({ outcome }) => outcome === 'ok').map(({ eventId }) => eventId);
    assert.equal(ledger.filter(({ outcome }) => outcome === 'no').length, 0);
    await waitUntil(
      async () => {
        const stored = new Set((await sql('select event_id from events')).map(([eventId]) => eventId));
        return accepted.every((eventId) => stored.has(eventId));
      },
      { timeoutMs: 60_000, what: 'every accepted event to be stored' },
    );
    assert.equal(await count('events'), ledger.length, 'unknown ones apart, each is one row');
    assert.equal(await count('dead_letters'), 0);
    assert.equal((await third.stop()).code, 0);
    assert.equal((await kero.stop()).code, 0);
  });

  test('filters skip and count; the rest is stored', async (t) => {
    const { receiver, processor, sql, count } = await setUp(t);
    const { url } = await receiver();
    const kero = await processor({
      EVENTS_ALLOWED_TYPES: 'purchase, view',
      EVENTS_DENIED_TYPES: 'view',
      EVENTS_COMMIT_SKIPPED: 'false',
    });
    for (const [n, type] of ['purchase', 'view', 'refund', 'purchase'].entries()) {
      assert.equal((await post(url, eventBody(`filter-${n}`, { event_type: type }))).status, 202);
    }
    await waitUntil(async () => (await count('events')) === 2);
    assert.deepEqual(await sql('select distinct event_type from events'), [['purchase']]);
    const { output } = await kero.stop();
    assert.match(output, /"read":4,"stored":2,"duplicates":0,"redelivered":0,"skipped":2/);
  });

  test('a missing topic and a missing schema are named with the way out', async (t) => {
    const { environment } = await setUp(t);
    const noTopic = await runKero(t, ['receiver'], {
      ...environment,
      KAFKA_TOPIC: throwawayTopic('none'),
      KAFKA_TOPIC_CREATE: 'false',
    });
    assert.equal(noTopic.code, 1);
    assert.match(noTopic.output, /topic_missing[\s\S]*KAFKA_TOPIC_CREATE=true/);
    const { database } = await postgres.server.newDatabase(t);
    const noSchema = await runKero(t, ['processor'], { ...environment, POSTGRES_DB: database });
    assert.equal(noSchema.code, 1);
    assert.match(noSchema.output, /schema_missing[\s\S]*kero migrate/);
  });
});
