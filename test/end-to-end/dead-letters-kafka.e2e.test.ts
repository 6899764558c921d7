import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { type NewRecord, openMessaging } from '@kero/messaging';
import { type KafkaCluster, kafkaAvailability, startKafka } from '../support/kafka/kafka-cluster.ts';
import { kafkaConfig } from '../support/kafka/kafka-config.ts';
import { readTopic, writeTopic } from '../support/kafka/kafka-console.ts';
import { withAdmin } from '../support/kafka/kafka-topics.ts';
import { runKero } from '../support/kero-process.ts';
import { eventBody } from '../support/post-events.ts';
import { anyPostgresServer, type PostgresServer, silentLogger } from '../support/postgres/postgres-server.ts';
import { type ProcessorOnKafka, processorOnKafka } from '../support/processor-on-kafka.ts';
import { waitUntil } from '../support/wait-until.ts';

const kafkaProblem = await kafkaAvailability();
const event = (id: string, type = 'view') => eventBody(id, { user_id: 'user-1', event_type: type, event_data: { id } });
const record = (value: string | null) => ({ key: 'user-1', value });

describe('kero dead-letters and kero offsets, on Kafka with a running processor', {
  timeout: 240_000,
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

  const setUp = async (t: TestContext) => {
    const system = await processorOnKafka(t, { kafka, postgres: postgres.server, partitions: 1 });
    const run = async (code: number, ...args: string[]) => {
      const ended = await runKero(t, args, system.environment);
      assert.equal(ended.code, code, ended.output);
      return ended.output;
    };
    return { ...system, run };
  };
  const count = async ({ rows }: Pick<ProcessorOnKafka, 'rows'>, table: string) =>
    Number((await rows(`select count(*) from ${table}`))[0]?.[0]);

  test('a replay is the same record with one header more, to an independent reader too', async (t) => {
    const system = await setUp(t);
    const { topic, rows, start, run } = system;
    await rows("alter table events add constraint no_evil check (event_type <> 'evil')");
    await start();
    await writeTopic(kafka, topic, [
      record(event('good')),
      record(event('bad', 'evil')),
      record('not json'),
      record(null),
    ]);
    await waitUntil(async () => (await count(system, 'dead_letters')) === 3);
    await rows('alter table events drop constraint no_evil');
    const printed = await run(1, 'dead-letters', 'replay');
    assert.match(printed, /1 {2}would become rows[\s\S]*1 {2}would fail again: not_an_event/);
    assert.match(printed, /Replayed 2 of 3[\s\S]*Letter 3 was not replayed: a tombstone/);
    await waitUntil(async () => (await count(system, 'events')) === 2 && (await count(system, 'dead_letters')) === 4);
    assert.deepEqual(await rows('select dead_letter_id, reason, status, replay_of from dead_letters order by 1'), [
      ['1', 'refused_by_database', 'replayed', null],
      ['2', 'not_an_event', 'replayed', null],
      ['3', 'not_an_event', 'open', null],
      ['4', 'not_an_event', 'open', '2'],
    ]);
    const [, original, , , replayed] = await readTopic(kafka, topic, 6);
    assert.deepEqual([replayed?.key, replayed?.value], [original?.key, original?.value]);
    assert.deepEqual(
      replayed?.headers.map(([name, value]) => [name, String(value)]),
      [['kero-replay-of', '1']],
    );
  });

  test('a header that names no letter does no harm', async (t) => {
    const system = await setUp(t);
    await system.start();
    const messaging = await openMessaging(kafkaConfig(kafka, system.topic), { logger: silentLogger });
    t.after(() => messaging.close());
    const replaying = (value: string, letter: string): NewRecord => ({
      key: Buffer.from('user-1'),
      value: Buffer.from(value),
      headers: [['kero-replay-of', Buffer.from(letter)]],
    });
    const records = [
      replaying('not json', '4711'),
      replaying('not json', 'x'),
      replaying(event('good'), '99999999999999999999'),
    ];
    await (await messaging.producer()).append(records, { deadlineMs: 30_000 });
    await waitUntil(async () => (await count(system, 'events')) === 1 && (await count(system, 'dead_letters')) === 2);
    assert.equal(await count(system, 'dead_letters where replay_of is null'), 2);
  });

  test('records that retention deleted stop the partition; skip-gap moves it on without a restart', async (t) => {
    const system = await setUp(t);
    const { topic, groupId, start, run, rows } = system;
    const first = await start();
    await writeTopic(kafka, topic, [record(event('a')), record(event('b'))]);
    await waitUntil(async () => (await count(system, 'events')) === 2);
    await first.stop();
    await writeTopic(kafka, topic, [record(event('lost')), record(event('c'))]);
    await withAdmin(kafka, (admin) =>
      admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition: 0, offset: 3n }] }] }),
    );
    const processor = await start();
    await processor.printed(/stands still/);
    assert.equal(await count(system, 'events'), 2, 'it does not jump by itself');
    assert.match(await run(0, 'offsets', 'show'), /0 +3 +4 +2 +1 +RECORDS GONE: 2 to 2 /);
    assert.match(await run(1, 'offsets', 'skip-gap', '--partition', '0'), /offsets 2 to 2 \(1\)\?[\s\S]*--yes/);
    assert.match(await run(0, 'offsets', 'skip-gap', '--partition', '0', '--yes'), /goes on at offset 3/);
    await waitUntil(async () => (await count(system, 'events')) === 3);
    assert.match(await run(1, 'offsets', 'skip-gap', '--partition', '0', '--yes'), /there is no gap/);
    const audit = `select action, outcome, detail->>'group', detail->>'from', detail->>'to' from audit_log`;
    assert.deepEqual(await rows(audit), [['offsets_skip_gap', 'done', groupId, '2', '3']]);
  });
});
