import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { isKeroError } from '@kero/runtime';
import { collectingLogger } from '../../../../test/support/kafka/collecting-logger.ts';
import { type KafkaCluster, withKafka } from '../../../../test/support/kafka/kafka-cluster.ts';
import { kafkaConfig } from '../../../../test/support/kafka/kafka-config.ts';
import { readTopic, writeTopic } from '../../../../test/support/kafka/kafka-console.ts';
import { createTopic, deleteTopic, throwawayTopic, withAdmin } from '../../../../test/support/kafka/kafka-topics.ts';
import { Reading, record, series, until } from '../contract/log-under-test.contract.ts';
import type { KafkaConfig } from '../messaging-settings.ts';
import { partitionForKey } from '../partition-for-key.ts';
import { readTopicSettings } from './check-topic.ts';
import { openKafka } from './open-kafka.ts';

const PATIENT = { deadlineMs: 30_000 };

await withKafka({ nodes: 1 }, (kafka) => {
  test('an independent reader finds the record as it was appended', async (t) => {
    const { topic, open } = await newTopic(kafka, t, { partitions: 3 });
    const value = Buffer.from('{"user_id":"müller","event_data":{"price":19.90}}');
    const id = Buffer.from('018f6b2a-1c3d-8e4f-9a5b-6c7d8e9fa0b1');
    const headers = [
      ['kero-id', id],
      ['kero-source', Buffer.from('shop, "1"')],
      ['twice', Buffer.from([0, 255, 92])],
      ['twice', Buffer.from('two')],
    ] as const;
    const producer = await (await open()).producer();
    await producer.append([{ key: Buffer.from('müller'), value, headers }], PATIENT);
    const [stored, ...more] = await readTopic(kafka, topic, 1);
    assert.equal(more.length, 0);
    assert.deepEqual(stored?.key, Buffer.from('müller'));
    assert.deepEqual(stored?.value, value);
    assert.deepEqual(stored?.headers, headers);
    assert.equal(stored?.partition, partitionForKey(Buffer.from('müller'), 3));
  });

  test('records of an independent writer are read, also a tombstone, and their keys are in the partitions of ours', async (t) => {
    const { topic, open } = await newTopic(kafka, t, { partitions: 3 });
    const keys = series('user', 20);
    const written = [...keys.map((key) => ({ key, value: `of ${key}` })), { key: 'gone', value: null }];
    await writeTopic(kafka, topic, written);
    const reading = new Reading(await (await open()).consumer(topic), {});
    await reading.until(() => reading.records().length === 21, 'all are read');
    for (const { partition, records } of reading.batches) {
      for (const { key, value, headers } of records) {
        assert.equal(partition, partitionForKey(key ?? assert.fail(), 3));
        assert.deepEqual(headers, []);
        if (String(key) === 'gone') assert.equal(value, null);
        else assert.equal(String(value), `of ${key}`);
      }
    }
  });

  for (const compression of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
    test(`what is compressed with ${compression} is read by both`, async (t) => {
      const { topic, open } = await newTopic(kafka, t, { partitions: 1 });
      const messaging = await open({ compression });
      const values = series('x'.repeat(100), 100);
      await (await messaging.producer()).append(
        values.map((value) => record('k', value)),
        PATIENT,
      );
      const reading = new Reading(await messaging.consumer(topic), {});
      await reading.untilValues(values);
      const stored = await readTopic(kafka, topic, 100);
      assert.deepEqual(
        stored.map(({ value }) => String(value)),
        values,
      );
    });
  }

  test('a missing topic is an error that says how to get one', async (t) => {
    const { open } = connect(kafka, t, throwawayTopic());
    await assert.rejects(open(), (error) => {
      assert.ok(isKeroError(error, 'topic_missing'));
      assert.match(error.remedy, /KAFKA_TOPIC_CREATE/);
      return true;
    });
  });

  test('a missing topic is created when the configuration says so, also by two at once', async (t) => {
    const topic = throwawayTopic();
    const { open } = connect(kafka, t, topic);
    const maxRecordBytes = 2_000_000;
    const creating = { createTopic: { partitions: 4, replication: 1 }, maxRecordBytes };
    const [one, two] = await Promise.all([open(creating), open(creating)]);
    assert.match(one.description, /4 partitions/);
    assert.equal(one.description, two.description);
    const settings = await withAdmin(kafka, (admin) => readTopicSettings(admin, topic));
    assert.equal(settings.minInSyncReplicas, 1);
    const large = record('k', 'x'.repeat(maxRecordBytes - 1));
    await (await one.producer()).append([large], PATIENT);
  });

  test('a topic that cannot be created says why', async (t) => {
    const { open } = connect(kafka, t, throwawayTopic());
    const tooMany = { createTopic: { partitions: 1, replication: 7 } };
    await assert.rejects(open(tooMany), (error) => {
      assert.ok(isKeroError(error, 'topic_missing'));
      assert.match(error.message, /INVALID_REPLICATION_FACTOR/);
      return true;
    });
  });

  const refusals = {
    'is compacted': [{ 'cleanup.policy': 'compact' }, /cleanup\.policy/],
    'is compacted and deleted': [{ 'cleanup.policy': 'compact,delete' }, /cleanup\.policy/],
    'needs more in-sync replicas than it has': [{ 'min.insync.replicas': '2' }, /min\.insync\.replicas is 2/],
    'takes only smaller events': [{ 'max.message.bytes': '200000' }, /max\.message\.bytes is 200000/],
  } as const;
  for (const [what, [config, message]] of Object.entries(refusals)) {
    test(`a topic that ${what} is refused`, async (t) => {
      const { open } = await newTopic(kafka, t, { partitions: 1, config });
      await assert.rejects(open(), (error) => {
        assert.ok(isKeroError(error, 'topic_unsafe'));
        assert.match(error.message, message);
        return true;
      });
    });
  }

  test('a topic that is less safe than it could be is warned about, and refused with strictTopic', async (t) => {
    const config = { 'unclean.leader.election.enable': 'true' };
    const { open, lines } = await newTopic(kafka, t, { partitions: 1, config });
    await open();
    const warnings = lines.filter(({ level }) => level === 'warn').map(({ msg }) => msg);
    const expected = [/replication factor is 1/, /min\.insync\.replicas is 1/, /unclean\.leader\.election/];
    for (const pattern of expected)
      assert.ok(
        warnings.some((text) => pattern.test(text)),
        String(pattern),
      );
    await assert.rejects(open({ strictTopic: true }), (error) => {
      assert.ok(isKeroError(error, 'topic_unsafe'));
      for (const pattern of expected) assert.match(error.message, pattern);
      return true;
    });
  });

  test('a broker that is not there is named after a bounded wait', async (t) => {
    const { open } = connect(kafka, t, throwawayTopic());
    const startedAt = performance.now();
    await assert.rejects(open({ brokers: [{ host: '127.0.0.1', port: 1 }] }), (error) => {
      assert.ok(isKeroError(error, 'log_unavailable'));
      assert.match(error.message, /127\.0\.0\.1:1\b.*ECONNREFUSED/);
      return true;
    });
    const tookMs = performance.now() - startedAt;
    assert.ok(tookMs > 5000 && tookMs < 20_000, `${tookMs} ms`);
  });

  test('a topic that is made anew is read from its beginning, under its new identity', async (t) => {
    const { topic, open } = await newTopic(kafka, t, { partitions: 1 });
    const messaging = await open();
    await (await messaging.producer()).append([record('k', 'old-1'), record('k', 'old-2')], PATIENT);
    const reading = new Reading(await messaging.consumer(topic), {});
    await reading.untilValues(['old-1', 'old-2']);
    await deleteTopic(kafka, topic);
    await until(
      () =>
        createTopic(kafka, topic, { partitions: 1 }).then(
          () => true,
          () => false,
        ),
      'it is made anew',
    );
    await (await (await open()).producer()).append([record('k', 'new-1'), record('k', 'new-2')], PATIENT);
    await reading.untilValues(['new-1', 'new-2']);
    assert.deepEqual(reading.values(), ['old-1', 'old-2', 'new-1', 'new-2']);
    assert.notEqual(reading.batches.at(-1)?.logId, reading.batches[0]?.logId);
    assert.equal(reading.batches[0]?.revoked.aborted, true);
  });

  test('where records are gone that would be read next, the partition stands still and says so once', async (t) => {
    const { topic, open, lines } = await newTopic(kafka, t, { partitions: 2 });
    const messaging = await open();
    const producer = await messaging.producer();
    const [zero = '', one = ''] = [0, 1].map((p) =>
      series('k', 50).find((k) => partitionForKey(Buffer.from(k), 2) === p),
    );
    await producer.append(
      series('v', 10).map((value) => record(zero, value)),
      PATIENT,
    );
    const before = new Reading(await messaging.consumer(topic), { maxRecords: 5, commit: false });
    await before.until(() => before.batches.length === 1, 'a first batch is read');
    before.batches[0]?.commit();
    await before.close();
    await withAdmin(kafka, (admin) =>
      admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition: 0, offset: 8n }] }] }),
    );
    const after = new Reading(await messaging.consumer(topic), {});
    await until(() => !after.consumer.health().up, 'the consumer is down');
    await producer.append([record(one, 'other'), record(zero, 'later')], PATIENT);
    await after.untilValues(['other']);
    const health = after.consumer.health();
    assert.match(health.up ? '' : health.reason, /partition 0 .*offset 5 .*8 to 1[01]/);
    assert.deepEqual(after.values(0), []);
    assert.equal(lines.filter(({ code }) => code === 'offset_out_of_range').length, 1);
  });
});

function connect(kafka: KafkaCluster, t: TestContext, topic: string) {
  const { logger, lines } = collectingLogger();
  const open = async (changes: Partial<KafkaConfig> = {}) => {
    const messaging = await openKafka(kafkaConfig(kafka, topic, changes), { logger });
    t.after(() => messaging.close());
    return messaging;
  };
  return { topic, open, lines };
}

async function newTopic(kafka: KafkaCluster, t: TestContext, options: Parameters<typeof createTopic>[2]) {
  const topic = throwawayTopic();
  await createTopic(kafka, topic, options);
  return connect(kafka, t, topic);
}
