import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { collectingLogger } from '../../../../test/support/kafka/collecting-logger.ts';
import { type KafkaCluster, withKafka } from '../../../../test/support/kafka/kafka-cluster.ts';
import { kafkaConfig } from '../../../../test/support/kafka/kafka-config.ts';
import { createTopic, throwawayTopic } from '../../../../test/support/kafka/kafka-topics.ts';
import { withCircuit } from '../circuit-breaker.ts';
import { until } from '../contract/log-under-test.contract.ts';
import type { Consumer, Messaging, Producer } from '../messaging.ts';
import { openKafka } from './open-kafka.ts';

const PARTITIONS = 6;
/** A session of the group that gets no answer is given up after 30 s, and the next one begins. */
const OUTAGE_MS = 50_000;

await withKafka({ nodes: 1, ownNodes: true }, (kafka) => {
  test('an outage is known without an append, the first append does not wait, and the end is known too', async (t) => {
    const { messaging } = await openTopic(kafka, t);
    const producer = await messaging.producer();
    await append(producer, 'before');
    await kafka.kill(0, 'SIGKILL');
    const killedAt = performance.now();
    await until(() => !producer.health().up, 'the producer is down');
    t.diagnostic(`down after ${Math.round(performance.now() - killedAt)} ms`);
    assert.ok(performance.now() - killedAt < 5000);
    const startedAt = performance.now();
    await assert.rejects(append(producer, 'during'));
    assert.ok(performance.now() - startedAt < 200, `it took ${performance.now() - startedAt} ms`);
    await kafka.start(0);
    await until(() => producer.health().up, 'the producer is up again');
    await append(producer, 'after');
  });

  test('brokers that hang are known to hang, without an append', async (t) => {
    const { messaging } = await openTopic(kafka, t);
    const producer = await messaging.producer();
    await kafka.kill(0, 'SIGSTOP');
    try {
      const stoppedAt = performance.now();
      await until(() => !producer.health().up, 'the producer is down');
      t.diagnostic(`down after ${Math.round(performance.now() - stoppedAt)} ms`);
      assert.ok(performance.now() - stoppedAt < 12_000);
      const startedAt = performance.now();
      await assert.rejects(append(producer, 'during'));
      assert.ok(performance.now() - startedAt < 200);
    } finally {
      await kafka.kill(0, 'SIGCONT');
    }
    await until(() => producer.health().up, 'the producer is up again');
    await append(producer, 'after');
  });

  test('an outage of most of a minute: down stays down until it is over, in few log lines, and all goes on', async (t) => {
    const { messaging, lines } = await openTopic(kafka, t);
    const { logger } = collectingLogger();
    const producer = withCircuit(await messaging.producer(), { logger });
    const { consumer, seen } = await read(messaging);
    await append(producer, 'before');
    await until(() => seen.has('before') && consumer.health().up && producer.health().up, 'all is well');
    lines.length = 0;

    await kafka.kill(0, 'SIGKILL');
    const killedAt = performance.now();
    const changes: string[] = [];
    let was = '';
    while (performance.now() - killedAt < OUTAGE_MS) {
      // Requests go on: each is refused.
      for (let n = 0; n < 20; n++) void append(producer, `during-${n}`).catch(() => {});
      const is = `producer ${producer.health().up}, consumer ${consumer.health().up}`;
      if (is !== was) changes.push(`${Math.round((performance.now() - killedAt) / 1000)} s: ${is}`);
      was = is;
      await delay(100);
    }
    const during = lines.filter(({ level }) => level !== 'debug').map(({ level, msg }) => `${level} ${msg}`);
    t.diagnostic(changes.join('; '));
    t.diagnostic(`${during.length} lines: ${during.join(' | ')}`);
    assert.match(changes.at(-1) ?? '', /producer false, consumer false/);
    for (const part of ['producer', 'consumer']) {
      const states = changes.map((change) => new RegExp(`${part} (true|false)`).exec(change)?.[1]);
      assert.deepEqual(states, [...states].sort().reverse(), `${part}: once down it stays down`);
    }
    assert.ok(during.length <= 6, during.join('\n'));

    lines.length = 0;
    await kafka.start(0);
    await until(() => producer.health().up && consumer.health().up, 'both are up again');
    await until(
      () =>
        append(producer, 'after').then(
          () => true,
          () => false,
        ),
      'an append is confirmed',
    );
    await until(() => seen.has('after'), 'it is read');
    const after = lines.filter(({ level }) => level !== 'debug').map(({ level, msg }) => `${level} ${msg}`);
    t.diagnostic(`${after.length} lines: ${after.join(' | ')}`);
    assert.ok(after.some((line) => /^info Kafka answers again, after \d+ ms$/.test(line)));
    assert.ok(after.some((line) => /^info reading from Kafka goes on, after \d+ ms$/.test(line)));
    assert.ok(after.length <= 8, after.join('\n'));
  });
});

async function openTopic(kafka: KafkaCluster, t: TestContext) {
  const topic = throwawayTopic();
  await createTopic(kafka, topic, { partitions: PARTITIONS });
  const { logger, lines } = collectingLogger();
  const messaging = await openKafka(kafkaConfig(kafka, topic), { logger });
  t.after(() => messaging.close());
  return { messaging, lines };
}

async function append(producer: Producer, value: string): Promise<void> {
  const record = { key: Buffer.from(value), value: Buffer.from(value), headers: [] };
  await producer.append([record], { deadlineMs: 10_000 });
}

async function read(messaging: Messaging): Promise<{ consumer: Consumer; seen: Set<string> }> {
  const consumer = await messaging.consumer('g');
  const seen = new Set<string>();
  void (async () => {
    const stop = new AbortController().signal;
    for await (const batch of consumer.read({ stop, maxRecords: 50, maxBytes: 1 << 20 })) {
      for (const { value } of batch.records) seen.add(String(value));
      batch.commit();
    }
  })();
  return { consumer, seen };
}
