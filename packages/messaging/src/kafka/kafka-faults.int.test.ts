import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { AppendLoad } from '../../../../test/support/kafka/append-load.ts';
import { collectingLogger } from '../../../../test/support/kafka/collecting-logger.ts';
import { type KafkaCluster, withKafka } from '../../../../test/support/kafka/kafka-cluster.ts';
import { kafkaConfig } from '../../../../test/support/kafka/kafka-config.ts';
import { readTopic } from '../../../../test/support/kafka/kafka-console.ts';
import {
  committedOffsets,
  createTopic,
  setTopicConfig,
  throwawayTopic,
} from '../../../../test/support/kafka/kafka-topics.ts';
import { until } from '../contract/log-under-test.contract.ts';
import type { Consumer, Messaging } from '../messaging.ts';
import { AppendError } from '../messaging-errors.ts';
import { openKafka } from './open-kafka.ts';

const PARTITIONS = 6;
const PATIENT = { deadlineMs: 30_000 };

await withKafka({ nodes: 3, ownNodes: true }, (kafka) => {
  test('records that the brokers find too large take nothing else with them', async (t) => {
    const { messaging, topic } = await openTopic(kafka, t);
    const producer = await messaging.producer();
    await producer.append([record('warm', 'up')], PATIENT);
    await setTopicConfig(kafka, topic, 'max.message.bytes', '20000');
    const tooLarge = record('warm', 'x'.repeat(30_000));
    await until(
      () =>
        producer.append([tooLarge], PATIENT).then(
          () => false,
          () => true,
        ),
      'the new limit is in force',
    );
    const confirmed: string[] = ['up'];
    const refused: string[] = [];
    const append = async (value: string) => {
      try {
        await producer.append([record(`key-${value.slice(0, 8)}`, value)], PATIENT);
        confirmed.push(value);
      } catch (error) {
        assert.ok(error instanceof AppendError);
        assert.equal(error.failures.get(0)?.code, 'record_too_large', String(error.cause));
        refused.push(value);
      }
    };
    const calls: Promise<void>[] = [];
    for (let n = 0; n < 2000; n++) {
      const name = String(n).padStart(6, '0');
      calls.push(append(n % 100 === 50 ? name.padEnd(30_000, 'x') : name));
      if (n % 50 === 0) await delay(5);
    }
    await Promise.all(calls);
    assert.equal(refused.length, 20);
    const stored = (await readTopic(kafka, topic)).map(({ value }) => String(value));
    assert.deepEqual(missing(confirmed, stored), []);
    assert.deepEqual(
      refused.filter((value) => stored.includes(value)),
      [],
    );
  });

  test('kill -9 of a leader under load loses nothing confirmed, keeps the order of a key, and is read on', async (t) => {
    const { messaging, topic } = await openTopic(kafka, t);
    const readers = [await read(messaging, 'g'), await read(messaging, 'g')];
    const load = new AppendLoad(t, await messaging.producer(), { keys: 40, pauseMs: 20, deadlineMs: 10_000 });
    await until(() => load.total > 1000, 'the load runs');
    await kafka.kill(0, 'SIGKILL');
    const atKill = load.total;
    await until(() => load.total > atKill + 1000, 'the load goes on without the broker');
    await kafka.start(0);
    const atStart = load.total;
    await until(() => load.total > atStart + 1000, 'the load goes on with the broker');
    await load.stop();
    const stored = await readTopic(kafka, topic);
    const { duplicates } = load.check(stored);
    t.diagnostic(
      `${load.total} confirmed, ${load.failures} unknown, ${duplicates} twice, longest ${Math.round(load.longestMs)} ms`,
    );
    const values = stored.map(({ value }) => String(value));
    await until(
      () =>
        missing(
          values,
          readers.flatMap((reader) => [...reader.seen]),
        ).length === 0,
      'all is read',
    );
    await until(async () => {
      const committed = await committedOffsets(kafka, 'g', topic);
      return [...ends(stored)].every(([partition, end]) => committed.get(partition) === end);
    }, 'all is committed');
  });

  test('a first broker that hangs is answered at the deadline, and the others take over', async (t) => {
    const { messaging, topic } = await openTopic(kafka, t);
    const producer = await messaging.producer();
    const load = new AppendLoad(t, producer, { keys: 20, pauseMs: 20, deadlineMs: 3000 });
    await until(() => load.total > 500, 'the load runs');
    await kafka.kill(0, 'SIGSTOP');
    try {
      const atStop = load.total;
      await until(() => [...load.confirmed.values()].every((count) => count > 0), 'every key was confirmed once');
      const counts = new Map(load.confirmed);
      await until(
        () =>
          load.total > atStop + 500 && [...load.confirmed].every(([key, count]) => count > (counts.get(key) ?? 0) + 5),
        'every key goes on while the broker hangs',
      );
      assert.deepEqual(producer.health(), { up: true });
    } finally {
      await kafka.kill(0, 'SIGCONT');
    }
    await load.stop();
    t.diagnostic(`${load.total} confirmed, ${load.failures} unknown, longest ${Math.round(load.longestMs)} ms`);
    assert.ok(load.longestMs < 3500, `an append was answered after ${load.longestMs} ms with a deadline of 3000 ms`);
    load.check(await readTopic(kafka, topic));
  });

  test('members that come and go skip nothing: the committed offset never passes what is not finished', async (t) => {
    const { messaging, topic } = await openTopic(kafka, t);
    const load = new AppendLoad(t, await messaging.producer(), { keys: 40, pauseMs: 50, deadlineMs: 10_000 });
    const finished = new Map<number, Set<bigint>>();
    const slow = () => delay(Math.random() * 200);
    let skipped = '';
    let samples = 0;
    const sampling = new AbortController();
    const sample = async () => {
      while (!sampling.signal.aborted) {
        for (const [partition, committed] of await committedOffsets(kafka, 'churn', topic)) {
          for (let offset = 0n; offset < committed; offset++) {
            if (!finished.get(partition)?.has(offset)) skipped ||= `${partition}:${offset} below ${committed}`;
          }
        }
        samples++;
        await delay(100);
      }
    };
    t.after(() => sampling.abort());
    const sampled = sample();
    const stays = await read(messaging, 'churn', { finished, work: slow });
    for (let round = 0; round < 8; round++) {
      const comer = await read(messaging, 'churn', { finished, work: slow });
      const before = stays.seen.size + comer.seen.size;
      await until(() => comer.seen.size > 0 && stays.seen.size + comer.seen.size > before + 100, 'the comer reads');
      await comer.consumer.close();
    }
    await load.stop();
    const stored = await readTopic(kafka, topic);
    await until(
      () => stored.every(({ partition, offset }) => finished.get(partition)?.has(BigInt(offset))),
      'everything is finished',
    );
    sampling.abort();
    await sampled;
    assert.equal(skipped, '');
    assert.ok(samples > 10, `${samples} samples`);
  });

  test('with two of three brokers dead nothing is confirmed, appends fail at once when that is known, and it heals', async (t) => {
    const { messaging, topic } = await openTopic(kafka, t);
    const producer = await messaging.producer();
    await producer.append([record('a', 'before')], PATIENT);
    await kafka.kill(1, 'SIGKILL');
    await kafka.kill(2, 'SIGKILL');
    const confirmed: string[] = ['before'];
    let fastestMs = Number.POSITIVE_INFINITY;
    let attempts = 0;
    const attempt = async () => {
      const value = `attempt-${attempts++}`;
      const startedAt = performance.now();
      const failed = await producer.append([record('a', value)], { deadlineMs: 2000 }).then(
        () => false,
        () => true,
      );
      const tookMs = performance.now() - startedAt;
      assert.ok(tookMs < 2500, `answered after ${tookMs} ms`);
      if (!failed) confirmed.push(value);
      else fastestMs = Math.min(fastestMs, tookMs);
      return failed;
    };
    await until(async () => {
      assert.equal(await attempt(), true, 'confirmed by one broker alone');
      return fastestMs < 100;
    }, 'the outage is known');
    assert.equal(producer.health().up, false);
    await Promise.all([kafka.start(1), kafka.start(2)]);
    await until(async () => !(await attempt()), 'an append is confirmed again');
    await until(() => producer.health().up, 'the producer is up again');
    const stored = (await readTopic(kafka, topic)).map(({ value }) => String(value));
    assert.deepEqual(missing(confirmed, stored), []);
  });
});

async function openTopic(kafka: KafkaCluster, t: TestContext): Promise<{ messaging: Messaging; topic: string }> {
  const topic = throwawayTopic();
  await createTopic(kafka, topic, { partitions: PARTITIONS });
  const { logger, lines } = collectingLogger();
  const messaging = await openKafka(kafkaConfig(kafka, topic), { logger });
  t.after(async () => {
    await messaging.close();
    if (!('passed' in t && t.passed)) for (const line of lines.slice(-200)) console.log(JSON.stringify(line));
  });
  return { messaging, topic };
}

interface Work {
  readonly finished?: Map<number, Set<bigint>>;
  readonly work?: () => Promise<unknown>;
}

/** Reads and commits in the background; partitions side by side, as the processor does. */
async function read(
  messaging: Messaging,
  groupId: string,
  { finished, work }: Work = {},
): Promise<{ consumer: Consumer; seen: Set<string> }> {
  const consumer = await messaging.consumer(groupId);
  const seen = new Set<string>();
  const run = async () => {
    const stop = new AbortController().signal;
    for await (const batch of consumer.read({ stop, maxRecords: 50, maxBytes: 1 << 20 })) {
      for (const { value } of batch.records) seen.add(String(value));
      void (async () => {
        await work?.();
        if (batch.revoked.aborted) return;
        for (const { offset } of batch.records) {
          const set = finished?.get(batch.partition) ?? new Set();
          finished?.set(batch.partition, set.add(offset));
        }
        batch.commit();
      })();
    }
  };
  void run();
  return { consumer, seen };
}

function record(key: string, value: string) {
  return { key: Buffer.from(key), value: Buffer.from(value), headers: [] };
}

function missing(part: readonly string[], whole: readonly string[]): string[] {
  const have = new Set(whole);
  return part.filter((value) => !have.has(value));
}

function ends(records: readonly { partition: number; offset: number }[]): Map<number, bigint> {
  return new Map(records.map(({ partition, offset }) => [partition, BigInt(offset) + 1n]));
}
