import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { EmbeddedKero, type StoppedCounts } from '../support/embedded-kero.ts';
import { type KafkaCluster, kafkaAvailability, startKafka } from '../support/kafka/kafka-cluster.ts';
import { writeTopic } from '../support/kafka/kafka-console.ts';
import { createTopic, deleteTopic, withAdmin } from '../support/kafka/kafka-topics.ts';
import { throwawayFolder } from '../support/kero-process.ts';
import { eventBody, post } from '../support/post-events.ts';
import { anyPostgresServer } from '../support/postgres/postgres-server.ts';
import { processorOnKafka } from '../support/processor-on-kafka.ts';
import { waitUntil } from '../support/wait-until.ts';

/**
 * The promise: an event whose id is taken by other content is one dead letter for each time that it was accepted, however
 * often its record is read, and the counts of what was read always add up.
 */

const first = (id: string) => eventBody(id, { event_data: { item_id: '1', price: 1 } });
const other = (id: string) => eventBody(id, { event_data: { item_id: '1', price: 2 } });

async function accept(url: string, ...bodies: string[]): Promise<void> {
  for (const body of bodies) assert.equal((await post(url, body)).status, 202);
}

function assertAddsUp({ read, stored, duplicates, redelivered, skipped, deadLetters }: StoppedCounts): void {
  const letters = Object.values(deadLetters).reduce((sum, n) => sum + n, 0);
  assert.equal(read, stored + duplicates + redelivered + skipped + letters);
}

describe('a conflict, on the embedded log', { timeout: 240_000 }, () => {
  test('is one dead letter, however often its batch is stored again', async (t) => {
    const kero = new EmbeddedKero(t, throwawayFolder(t));
    await kero.start();
    await accept(kero.url, first('a'), other('a'), first('b'), first('a'));
    await kero.drained();
    const before = await kero.sql('select * from dead_letters');
    assert.deepEqual([await kero.count('events'), before.length], [2, 1]);
    const counts = await kero.stop();
    assertAddsUp(counts);
    assert.deepEqual([counts.read, counts.duplicates, counts.deadLetters], [4, 1, { conflict: 1 }]);

    for (let round = 0; round < 3; round++) {
      // What a process leaves that dies after its transaction and before its commit.
      kero.rewind();
      await kero.start();
      await kero.drained();
      assert.deepEqual(await kero.sql('select * from dead_letters'), before, 'the letter is the one of the first time');
      assert.equal(await kero.count('events'), 2);
      const again = await kero.stop();
      assertAddsUp(again);
      assert.deepEqual([again.read, again.stored, again.deadLetters], [4, 0, {}]);
      assert.equal(again.redelivered + again.duplicates, 4);
    }
  });

  test('is one dead letter when the process is killed as soon as the letter is there', async (t) => {
    const kero = new EmbeddedKero(t, throwawayFolder(t));
    for (let round = 1; round <= 3; round++) {
      await kero.start();
      await accept(kero.url, first(`event-${round}`), other(`event-${round}`));
      await waitUntil(async () => (await kero.count('dead_letters')) === round);
      await kero.kill();
    }
    await kero.start();
    await kero.drained();
    assert.deepEqual([await kero.count('events'), await kero.count('dead_letters')], [3, 3]);
    assertAddsUp(await kero.stop());
  });

  test('at the same position of a log that was made anew is another dead letter', async (t) => {
    const kero = new EmbeddedKero(t, throwawayFolder(t));
    await kero.start();
    await accept(kero.url, first('a'), other('a'));
    await kero.drained();
    await kero.stop();
    kero.removeLog();
    await kero.start();
    // Offset 0 was the event itself, offset 1 the conflict.
    await accept(kero.url, other('a'), other('a'), first('a'));
    await kero.drained();
    const letters = await kero.sql(
      'select log_partition, log_offset, log_id from dead_letters order by dead_letter_id',
    );
    const [partition] = letters[0] ?? [];
    assert.deepEqual(
      letters.map(([at, offset]) => [at, offset]),
      [
        [partition, '1'],
        [partition, '0'],
        [partition, '1'],
      ],
    );
    const logIds = letters.map(([, , logId]) => logId);
    assert.ok(logIds[0] !== logIds[1] && logIds[1] === logIds[2]);
    assert.equal(await kero.count('events'), 1);
    const counts = await kero.stop();
    assertAddsUp(counts);
    assert.deepEqual([counts.read, counts.stored, counts.deadLetters], [3, 0, { conflict: 2 }]);
    kero.rewind();
    await kero.start();
    await kero.drained();
    assert.equal(await kero.count('dead_letters'), 3);
    assert.deepEqual((await kero.stop()).deadLetters, {});
  });
});

const kafkaProblem = await kafkaAvailability();

describe('a conflict, on Kafka', {
  timeout: 240_000,
  skip: kafkaProblem.available ? false : kafkaProblem.reason,
}, () => {
  test('is one dead letter a log: redelivered, and after the topic was deleted and made anew', async (t) => {
    const [kafka, postgres] = await Promise.all([startKafka({ nodes: 1 }), anyPostgresServer()]);
    t.after(() => Promise.all([kafka.close(), postgres.remove()]));
    const { topic, groupId, rows, start } = await processorOnKafka(t, {
      kafka,
      postgres: postgres.server,
      partitions: 1,
    });
    const letters = async () =>
      (await rows('select log_offset from dead_letters order by dead_letter_id')).map(([offset]) => Number(offset));
    const record = (value: string) => ({ key: 'user-1', value });

    const processor = await start();
    await writeTopic(kafka, topic, [record(first('a')), record(other('a'))]);
    await waitUntil(async () => (await letters()).length === 1);
    const stopped = await processor.stop();
    assert.equal(stopped.code, 0, stopped.output);

    await rewind(kafka, groupId, topic);
    const again = await start();
    await writeTopic(kafka, topic, [record(first('b'))]);
    await waitUntil(async () => Number((await rows('select count(*) from events'))[0]?.[0]) === 2);
    assert.deepEqual(await letters(), [1], 'redelivered, it is the same letter');

    // While the processor runs.
    await deleteTopic(kafka, topic);
    await createTopic(kafka, topic, { partitions: 1 });
    await writeTopic(kafka, topic, [record(first('a')), record(other('a')), record(other('a'))]);
    await waitUntil(async () => (await letters()).length === 3, { timeoutMs: 90_000, what: () => again.output() });
    assert.deepEqual(await letters(), [1, 1, 2]);
    assert.deepEqual(await rows('select count(distinct log_id) from dead_letters'), [['2']]);
    assert.deepEqual(await rows('select count(*) from events'), [['2']]);
    const ended = await again.stop();
    const line = ended.output.split('\n').find((text) => text.includes('"processor stopped"'));
    assertAddsUp(JSON.parse(line ?? ended.output) as StoppedCounts);
  });
});

/** Of a group that has no members. */
async function rewind(kafka: KafkaCluster, groupId: string, topic: string): Promise<void> {
  const topics = [{ name: topic, partitionOffsets: [{ partition: 0, offset: 0n }] }];
  await withAdmin(kafka, (admin) => admin.alterConsumerGroupOffsets({ groupId, topics }));
}
