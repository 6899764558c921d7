import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { AppendLoad } from '../../../../test/support/kafka/append-load.ts';
import { collectingLogger, type LogLine } from '../../../../test/support/kafka/collecting-logger.ts';
import { type Committed, CommittedWatch } from '../../../../test/support/kafka/committed-watch.ts';
import { type KafkaCluster, withKafka } from '../../../../test/support/kafka/kafka-cluster.ts';
import { kafkaConfig } from '../../../../test/support/kafka/kafka-config.ts';
import { readTopic } from '../../../../test/support/kafka/kafka-console.ts';
import { coordinatorOf, createTopic, throwawayTopic } from '../../../../test/support/kafka/kafka-topics.ts';
import { until } from '../contract/log-under-test.contract.ts';
import type { Consumer, Messaging } from '../messaging.ts';
import { openKafka } from './open-kafka.ts';

const PARTITIONS = 6;

await withKafka({ nodes: 3, ownNodes: true }, (kafka) => {
  test('when the coordinator of the group dies and stays dead, commits go on: nothing is skipped, nothing goes back', async (t) => {
    const { messaging, topic } = await openTopic(kafka, t);
    const finished = new Finished();
    const members = [await read(messaging, topic, finished), await read(messaging, topic, finished)];
    const load = new AppendLoad(t, await messaging.producer(), { keys: 40, pauseMs: 50, deadlineMs: 10_000 });
    const watch = new CommittedWatch(t, { kafka, groupId: topic, topic }, (committed) => finished.check(committed));
    await until(() => total(watch.latest) > 500n, 'commits go on');
    const coordinator = await coordinatorOf(kafka, topic);
    await kafka.kill(coordinator, 'SIGKILL');
    const killedAt = performance.now();
    const atKill = total(watch.latest);
    await until(() => total(watch.latest) > atKill + 500n, 'commits go on without the coordinator');
    t.diagnostic(`commits went on ${Math.round(performance.now() - killedAt)} ms after the kill`);
    await load.stop();
    const stored = await readTopic(kafka, topic);
    await until(() => isCommitted(watch.latest, stored), 'all is committed without the coordinator');
    for (const member of members) assert.deepEqual(member.health(), { up: true });
    await kafka.start(coordinator);
    await watch.stop();
    watch.assertNoRewind();
  });

  test('when the first broker of the list hangs, which coordinates the group, the members go on with the others', async (t) => {
    // Any broker may be the one: after the test before, the one that was started again coordinates no group at all.
    const groupId = throwawayTopic('group');
    const hung = await coordinatorOf(kafka, groupId);
    const brokers = [...kafka.brokers.slice(hung), ...kafka.brokers.slice(0, hung)];
    const { messaging, topic, lines } = await openTopic(kafka, t, { brokers });
    const finished = new Finished();
    await read(messaging, groupId, finished);
    const appending = { brokers: [...brokers].reverse() };
    const other = await openKafka(kafkaConfig(kafka, topic, appending), collectingLogger());
    t.after(() => other.close());
    const load = new AppendLoad(t, await other.producer(), { keys: 40, pauseMs: 50, deadlineMs: 10_000 });
    const watch = new CommittedWatch(t, { kafka, groupId, topic }, (committed) => finished.check(committed));
    await until(() => total(watch.latest) > 500n, 'commits go on');
    await kafka.kill(hung, 'SIGSTOP');
    const stoppedAt = performance.now();
    try {
      const atStop = total(watch.latest);
      await until(() => total(watch.latest) > atStop + 500n, 'commits go on while it hangs');
      const tookMs = performance.now() - stoppedAt;
      t.diagnostic(`commits went on ${Math.round(tookMs)} ms after the stop`);
      // Kafka gives the partitions of a broker to others after 9 s.
      assert.ok(tookMs < 60_000, `commits went on after ${tookMs} ms`);
      await until(
        () => lines.some(({ msg }) => /interrupted/.test(msg)),
        'the member notices that its heartbeats hang',
      );
      const atRestart = total(watch.latest);
      await until(() => total(watch.latest) > atRestart + 500n, 'a new session has begun with another broker');
    } finally {
      await kafka.kill(hung, 'SIGCONT');
    }
    await load.stop();
    const stored = await readTopic(kafka, topic);
    await until(() => isCommitted(watch.latest, stored), 'all is committed');
    await watch.stop();
    watch.assertNoRewind();
  });
});

async function openTopic(
  kafka: KafkaCluster,
  t: TestContext,
  overrides: Parameters<typeof kafkaConfig>[2] = {},
): Promise<{ messaging: Messaging; topic: string; lines: LogLine[] }> {
  const topic = throwawayTopic();
  await createTopic(kafka, topic, { partitions: PARTITIONS });
  const { logger, lines } = collectingLogger();
  const messaging = await openKafka(kafkaConfig(kafka, topic, overrides), { logger });
  t.after(async () => {
    await messaging.close();
    if (!('passed' in t && t.passed)) for (const line of lines.slice(-200)) console.log(JSON.stringify(line));
  });
  return { messaging, topic, lines };
}

/** What the members of a group have finished, all together. */
class Finished {
  readonly #offsets = new Map<number, Set<bigint>>();
  total = 0;

  add(partition: number, offset: bigint): void {
    const set = this.#offsets.get(partition) ?? new Set();
    if (!set.has(offset)) this.total++;
    this.#offsets.set(partition, set.add(offset));
  }

  /** Every offset below the committed one is finished. */
  check(committed: ReadonlyMap<number, bigint>): void {
    for (const [partition, end] of committed) {
      for (let offset = 0n; offset < end; offset++) {
        assert.ok(this.#offsets.get(partition)?.has(offset), `${offset} of partition ${partition} is skipped`);
      }
    }
  }
}

/** Reads in the background and finishes each batch a little later; partitions side by side, as the processor does. */
async function read(messaging: Messaging, groupId: string, finished: Finished): Promise<Consumer> {
  const consumer = await messaging.consumer(groupId);
  void (async () => {
    const stop = new AbortController().signal;
    for await (const batch of consumer.read({ stop, maxRecords: 50, maxBytes: 1 << 20 })) {
      void (async () => {
        await delay(Math.random() * 100);
        if (batch.revoked.aborted) return;
        for (const { offset } of batch.records) finished.add(batch.partition, offset);
        batch.commit();
      })();
    }
  })();
  return consumer;
}

function total(committed: Committed): bigint {
  return [...committed.values()].reduce((sum, offset) => sum + offset, 0n);
}

function isCommitted(committed: Committed, records: readonly { partition: number; offset: number }[]): boolean {
  return records.every(({ partition, offset }) => BigInt(offset) < (committed.get(partition) ?? 0n));
}
