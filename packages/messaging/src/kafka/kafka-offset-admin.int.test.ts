import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { isKeroError } from '@kero/runtime';
import { collectingLogger } from '../../../../test/support/kafka/collecting-logger.ts';
import { type KafkaCluster, withKafka } from '../../../../test/support/kafka/kafka-cluster.ts';
import { kafkaConfig } from '../../../../test/support/kafka/kafka-config.ts';
import {
  committedOffsets,
  createTopic,
  deleteTopic,
  throwawayTopic,
  withAdmin,
} from '../../../../test/support/kafka/kafka-topics.ts';
import { Reading, record, series, until } from '../contract/log-under-test.contract.ts';
import { openOffsetAdmin, type PartitionPosition } from '../offset-admin.ts';
import { partitionForKey } from '../partition-for-key.ts';
import { openKafka } from './open-kafka.ts';

const PATIENT = { deadlineMs: 30_000 };
const PARTITIONS = 2;
/** A key of each partition. */
const KEYS = Array.from({ length: PARTITIONS }, (_, partition) => {
  const key = series('user', 100).find((name) => partitionForKey(Buffer.from(name), PARTITIONS) === partition);
  return key ?? assert.fail();
});

await withKafka({ nodes: 1 }, (kafka) => {
  test('a position is what the brokers say: nothing yet, appended, committed', async (t) => {
    const { admin, messaging, groupId, append } = await setUp(kafka, t);
    assert.deepEqual((await admin.positions()).map(shown), [
      [0, 0n, 0n, undefined],
      [1, 0n, 0n, undefined],
    ]);
    await append(1, 'a', 'b');
    const reading = new Reading(await messaging.consumer(groupId), {});
    await reading.untilValues(['a', 'b']);
    await reading.close();
    assert.deepEqual((await admin.positions())[1], { partition: 1, logStart: 0n, logEnd: 2n, committed: 2n });
    assert.equal((await admin.skipGap(1, 2n)).skipped, false, 'there is no gap');
    assert.equal((await committedOffsets(kafka, groupId, topicOf(groupId))).get(1), 2n);
  });

  test('a gap is skipped while processors run: the partition that stood still goes on, the others lose nothing', async (t) => {
    const { admin, messaging, groupId, append, topic } = await setUp(kafka, t);
    await append(0, ...series('a', 3));
    await append(1, ...series('b', 3));
    const before = new Reading(await messaging.consumer(groupId), {});
    await before.untilValues([...series('a', 3), ...series('b', 3)]);
    await before.close();
    await append(0, ...series('a', 10).slice(3));
    await deleteRecords(kafka, topic, 0, 8n);

    const members = [
      new Reading(await messaging.consumer(groupId), {}),
      new Reading(await (await openAnother(kafka, t, topic)).consumer(groupId), {}),
    ];
    t.after(() => Promise.all(members.map((member) => member.close())));
    const values = () => members.flatMap((member) => member.values());
    await until(() => members.some(({ consumer }) => saysStandingStill(consumer.health())), 'a member says it');
    assert.deepEqual((await admin.positions()).map(shown), [
      [0, 8n, 10n, 3n],
      [1, 0n, 3n, 3n],
    ]);

    const other = await admin.skipGap(0, 2n);
    assert.deepEqual(other, { skipped: false, reason: 'partition 0 has moved since, to 3: look again' });
    assert.deepEqual(await admin.skipGap(0, 3n), { skipped: true, from: 3n, to: 8n });
    await append(1, 'b-3');
    await until(() => ['a-8', 'a-9', 'b-3'].every((value) => values().includes(value)), 'both partitions go on');
    assert.deepEqual([...new Set(values())].sort(), ['a-8', 'a-9', 'b-3']);
    await until(
      async () => (await admin.positions()).every(({ logEnd, committed }) => committed === logEnd),
      'commits',
    );
    await until(() => members.every(({ consumer }) => consumer.health().up), 'all is well');
  });

  test('a gap of a group that has no members is skipped too', async (t) => {
    const { admin, messaging, groupId, append, topic } = await setUp(kafka, t);
    await append(0, ...series('a', 5));
    const before = new Reading(await messaging.consumer(groupId), { maxRecords: 1, commit: false });
    await before.until(() => before.batches.length === 1, 'one record is read');
    before.batches[0]?.commit();
    await before.close();
    await deleteRecords(kafka, topic, 0, 4n);
    assert.deepEqual(await admin.skipGap(0, 1n), { skipped: true, from: 1n, to: 4n });
    const after = new Reading(await messaging.consumer(groupId), {});
    await after.untilValues(['a-4']);
    await after.close();
    assert.deepEqual(after.values(), ['a-4']);
  });

  test('a partition that does not exist, and a topic that does not', async (t) => {
    const { admin, topic } = await setUp(kafka, t);
    assert.deepEqual(await admin.skipGap(7, 0n), { skipped: false, reason: 'there is no such partition' });
    await deleteTopic(kafka, topic);
    await until(
      () =>
        admin.positions().then(
          () => false,
          (error: unknown) => isKeroError(error, 'topic_missing'),
        ),
      'the topic is gone',
    );
  });
});

async function setUp(kafka: KafkaCluster, t: TestContext) {
  const topic = throwawayTopic();
  await createTopic(kafka, topic, { partitions: PARTITIONS });
  const messaging = await openAnother(kafka, t, topic);
  const groupId = `${topic}.group`;
  const admin = await openOffsetAdmin(kafkaConfig(kafka, topic), groupId, collectingLogger());
  t.after(() => admin.close());
  const producer = await messaging.producer();
  const append = (partition: number, ...values: string[]) =>
    producer.append(
      values.map((value) => record(KEYS[partition] ?? assert.fail(), value)),
      PATIENT,
    );
  return { topic, groupId, messaging, admin, append };
}

async function openAnother(kafka: KafkaCluster, t: TestContext, topic: string) {
  const messaging = await openKafka(kafkaConfig(kafka, topic), collectingLogger());
  t.after(() => messaging.close());
  return messaging;
}

/** As retention does. */
async function deleteRecords(kafka: KafkaCluster, topic: string, partition: number, offset: bigint): Promise<void> {
  await withAdmin(kafka, (admin) =>
    admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition, offset }] }] }),
  );
}

function saysStandingStill(health: { readonly up: boolean; readonly reason?: string }): boolean {
  return /stands still/.test(health.reason ?? '');
}

function topicOf(groupId: string): string {
  return groupId.replace(/\.group$/, '');
}

function shown({ partition, logStart, logEnd, committed }: PartitionPosition): unknown[] {
  return [partition, logStart, logEnd, committed];
}
