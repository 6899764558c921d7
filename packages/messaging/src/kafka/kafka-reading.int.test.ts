import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type Admin, Producer as KafkaClientProducer } from '@platformatic/kafka';
import { collectingLogger } from '../../../../test/support/kafka/collecting-logger.ts';
import { type KafkaCluster, withKafka } from '../../../../test/support/kafka/kafka-cluster.ts';
import { kafkaConfig } from '../../../../test/support/kafka/kafka-config.ts';
import { writeTopic } from '../../../../test/support/kafka/kafka-console.ts';
import {
  committedOffsets,
  createTopic,
  setTopicConfig,
  throwawayTopic,
  withAdmin,
} from '../../../../test/support/kafka/kafka-topics.ts';
import { Reading, record, series, until } from '../contract/log-under-test.contract.ts';
import type { KafkaConfig } from '../messaging-settings.ts';
import { partitionForKey } from '../partition-for-key.ts';
import { openKafka } from './open-kafka.ts';

const PATIENT = { deadlineMs: 30_000 };

await withKafka({ nodes: 1, ownNodes: true }, (kafka) => {
  test('records are deleted that a running member would read next: its partition stands still, says so once, and is freed by a new offset', async (t) => {
    const { topic, open, lines } = await newTopic(kafka, t, 2);
    const [zero, one] = keysOf(2);
    const messaging = await open();
    const producer = await messaging.producer();
    const reading = new Reading(await messaging.consumer(topic), { commit: false });
    // More than is read ahead, so that the member has to come back for the rest.
    const large = series('v', 60).map((name) => name.padEnd(250_000, '.'));
    for (const value of large) await producer.append([record(zero, value)], PATIENT);
    await reading.until(() => reading.batches.length > 0, 'a first batch is read');
    await until(() => reading.consumer.health().up, 'it reads');
    await deleteRecords(kafka, topic, 0, 59n);
    reading.commit = true;
    reading.batches[0]?.commit();
    await untilDown(reading, /partition 0 stands still: offset \d+ .*59 to 60/);
    await producer.append([record(one, 'other'), record(zero, 'last')], PATIENT);
    await reading.untilValues(['other']);
    const read = reading.records(0).length;
    assert.ok(read < 59, 'what is left was not jumped to');
    assert.deepEqual(reading.values(0), large.slice(0, read));
    await reading.close();
    assert.equal((await committedOffsets(kafka, topic, topic)).get(0), BigInt(read));
    assert.equal(lines.filter(({ code }) => code === 'offset_out_of_range').length, 1);

    const again = new Reading(await messaging.consumer(topic), {});
    await untilDown(again, /partition 0 stands still: offset \d+ .*59 to 61/);
    assert.deepEqual(again.values(0), []);
    await again.close();
    await withAdmin(kafka, (admin) =>
      admin.alterConsumerGroupOffsets({
        groupId: topic,
        topics: [{ name: topic, partitionOffsets: [{ partition: 0, offset: 59n }] }],
      }),
    );
    const after = new Reading(await messaging.consumer(topic), {});
    await after.untilValues(['last']);
    assert.deepEqual(after.values(0), [large[59], 'last']);
    assert.deepEqual(after.consumer.health(), { up: true });
  });

  test('partitions that are added are written and read, with a line about the order of keys, and nothing is lost', async (t) => {
    const { topic, open, lines } = await newTopic(kafka, t, 2);
    const messaging = await open();
    const producer = await messaging.producer();
    const readings = [
      new Reading(await messaging.consumer(topic), {}),
      new Reading(await messaging.consumer(topic), {}),
    ];
    const seen = () => readings.flatMap((reading) => reading.values());
    const keys = keysOf(4);
    const appended: string[] = [];
    const append = async () => {
      const values = keys.map((key) => `${key}:${appended.length}`);
      await producer.append(
        values.map((value, partition) => record(keys[partition] ?? '', value)),
        PATIENT,
      );
      appended.push(...values);
    };
    await append();
    await until(() => isIn(appended, seen()), 'the first are read');
    await addPartitions(kafka, topic, 4);
    await until(async () => {
      await append();
      await delay(20);
      return lines.some(({ msg }) => /order of .* starts anew/.test(msg));
    }, 'the producer follows');
    const before = appended.length;
    await append();
    await until(() => isIn(appended, seen()), 'all is read');
    for (const [partition, value] of appended.slice(before).entries()) {
      assert.ok(
        readings.some((reading) => reading.values(partition).includes(value)),
        `${value} is in partition ${partition}`,
      );
    }
    const said = lines.filter(({ msg }) => /the number of partitions changed/.test(msg));
    assert.ok(said.some(({ msg, before, after }) => /order .* starts anew/.test(msg) && before === 2 && after === 4));
    assert.ok(said.some(({ msg }) => /the group shares them anew/.test(msg)));
    assert.equal(said.length, 2, 'once each');
  });

  test('groups of the same name on several topics do not starve each other', async (t) => {
    const logs = [await newTopic(kafka, t, 2), await newTopic(kafka, t, 3)];
    const groupId = throwawayTopic('group');
    for (const [n, { open }] of logs.entries()) {
      const messaging = await open();
      const reading = new Reading(await messaging.consumer(groupId), {});
      const keys = keysOf(n + 2);
      const records = keys.map((key) => record(key, `of ${n} to ${key}`));
      await (await messaging.producer()).append(records, PATIENT);
      await reading.untilValues(records.map(({ value }) => String(value)));
    }
  });

  test('a batch that cannot be decoded stops its partition, once and loudly, and no other', async (t) => {
    const { topic, open, lines } = await newTopic(kafka, t, 3);
    const keys = keysOf(3);
    const messaging = await open({ compression: 'gzip' });
    const producer = await messaging.producer();
    for (const round of ['first', 'second']) {
      const values = series(round, 100);
      await producer.append(
        keys.flatMap((key) => values.map((value) => record(key, value))),
        PATIENT,
      );
    }
    await messaging.close();
    await kafka.kill(0, 'SIGTERM');
    damageLastBatch(join(kafka.dataFolder(0), `${topic}-1`));
    await kafka.start(0);

    const reading = new Reading(await (await open()).consumer(topic), {});
    await untilDown(reading, /partition 1 stands still: .* offset 100 cannot be decoded/);
    assert.deepEqual(reading.values(1), series('first', 100), 'what is before it is read');
    const other = await (await open()).producer();
    await other.append([record(keys[0] ?? '', 'later'), record(keys[2] ?? '', 'later')], PATIENT);
    for (const partition of [0, 2]) {
      const expected = [...series('first', 100), ...series('second', 100), 'later'];
      await reading.until(() => reading.values(partition).length === expected.length, `${partition} goes on`);
      assert.deepEqual(reading.values(partition), expected);
    }
    await until(async () => {
      const committed = await committedOffsets(kafka, topic, topic);
      return committed.get(0) === 201n && committed.get(1) === 100n && committed.get(2) === 201n;
    }, 'what is read is committed');
    assert.equal(lines.filter(({ code }) => code === 'records_undecodable').length, 1);
  });

  test('of transactions of other programs only what was committed is read', async (t) => {
    const { topic, open } = await newTopic(kafka, t, 1);
    const client = new KafkaClientProducer({
      clientId: 'transactions',
      bootstrapBrokers: [...kafka.brokers],
      idempotent: true,
      transactionalId: topic,
    });
    t.after(() => client.close());
    for (const [n, kept] of [false, true, false, true].entries()) {
      const transaction = await client.beginTransaction();
      const values = series(`${kept ? 'kept' : 'dropped'}-${n}`, 3).map((value) => Buffer.from(value));
      await transaction.send({ acks: -1, messages: values.map((value) => ({ topic, value })) });
      await (kept ? transaction.commit() : transaction.abort());
    }
    const reading = new Reading(await (await open()).consumer(topic), {});
    const kept = [...series('kept-1', 3), ...series('kept-3', 3)];
    await reading.untilValues(kept);
    assert.deepEqual(reading.values(), kept);
    // Three records and a mark for each of the four.
    await until(async () => (await committedOffsets(kafka, topic, topic)).get(0) === 16n, 'the marks are passed');
  });

  for (const compression of ['gzip', 'snappy', 'lz4', 'zstd']) {
    test(`what an independent writer compressed with ${compression} is read`, async (t) => {
      const { topic, open } = await newTopic(kafka, t, 1);
      const values = series('v', 300).map((name) => `${name} ${'0123456789abcdef'.repeat(60)}`);
      await writeTopic(
        kafka,
        topic,
        values.map((value) => ({ key: 'k', value })),
        { 'compression.type': compression, 'batch.size': '200000', 'linger.ms': '200' },
      );
      const reading = new Reading(await (await open()).consumer(topic), {});
      await reading.until(() => reading.records().length === values.length, 'all are read');
      assert.deepEqual(reading.values(), values);
    });
  }

  test('commits that fail for long turn health down with the reason; the reading goes on, and they are made up for', async (t) => {
    const { topic, open } = await newTopic(kafka, t, 1);
    const messaging = await open();
    const producer = await messaging.producer();
    const reading = new Reading(await messaging.consumer(topic), {});
    await producer.append([record('k', 'before')], PATIENT);
    await until(async () => (await committedOffsets(kafka, topic, topic)).get(0) === 1n, 'commits work');
    await setTopicConfig(kafka, '__consumer_offsets', 'max.message.bytes', '10');
    t.after(() => setTopicConfig(kafka, '__consumer_offsets', 'max.message.bytes', '1048588'));
    let appended = 0;
    await until(async () => {
      await producer.append([record('k', `v-${appended++}`)], PATIENT);
      return !reading.consumer.health().up;
    }, 'health is down');
    const health = reading.consumer.health();
    assert.match(health.up ? '' : health.reason, /commits fail/);
    await reading.untilValues(series('v', appended));
    assert.equal((await committedOffsets(kafka, topic, topic)).get(0), 1n);
    await setTopicConfig(kafka, '__consumer_offsets', 'max.message.bytes', '1048588');
    await until(() => reading.consumer.health().up, 'health is up');
    await until(
      async () => (await committedOffsets(kafka, topic, topic)).get(0) === BigInt(appended + 1),
      'all is committed',
    );
  });
});

async function newTopic(kafka: KafkaCluster, t: TestContext, partitions: number) {
  const topic = throwawayTopic();
  await createTopic(kafka, topic, { partitions });
  const { logger, lines } = collectingLogger();
  const open = async (changes: Partial<KafkaConfig> = {}) => {
    const messaging = await openKafka(kafkaConfig(kafka, topic, changes), { logger });
    t.after(() => messaging.close());
    return messaging;
  };
  t.after(() => {
    if (!('passed' in t && t.passed)) for (const line of lines.slice(-200)) console.log(JSON.stringify(line));
  });
  return { topic, open, lines };
}

/** A key of each partition, in their order. */
function keysOf(partitions: 2): [string, string];
function keysOf(partitions: number): string[];
function keysOf(partitions: number): string[] {
  return Array.from(
    { length: partitions },
    (_, partition) =>
      series('k', 100).find((key) => partitionForKey(Buffer.from(key), partitions) === partition) ?? assert.fail(),
  );
}

async function untilDown(reading: Reading, reason: RegExp): Promise<void> {
  await until(() => {
    const health = reading.consumer.health();
    return !health.up && reason.test(health.reason);
  }, `the consumer is down because ${reason}`);
}

function isIn(part: readonly string[], whole: readonly string[]): boolean {
  const have = new Set(whole);
  return part.every((value) => have.has(value));
}

async function addPartitions(kafka: KafkaCluster, topic: string, count: number): Promise<void> {
  // The brokers refuse an empty list of assignments, which the client's types demand.
  const wanted = { name: topic, count } as Parameters<Admin['createPartitions']>[0]['topics'][number];
  await withAdmin(kafka, (admin) => admin.createPartitions({ topics: [wanted] }));
}

async function deleteRecords(kafka: KafkaCluster, topic: string, partition: number, offset: bigint): Promise<void> {
  await withAdmin(kafka, (admin) =>
    admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition, offset }] }] }),
  );
}

/** Writes nonsense over the end of a partition's file, which is the payload of its last batch. */
function damageLastBatch(folder: string): void {
  const name = readdirSync(folder).find((file) => file.endsWith('.log')) ?? assert.fail(`no log in ${folder}`);
  const content = readFileSync(join(folder, name));
  const end = content.findLastIndex((byte) => byte !== 0) + 1;
  content.fill(0xaa, end - 60, end - 20);
  writeFileSync(join(folder, name), content);
}
