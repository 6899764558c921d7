import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { EventFeed } from '../support/kafka/event-feed.ts';
import { HonestCommits } from '../support/kafka/honest-commits.ts';
import { type KafkaCluster, kafkaAvailability, startKafka } from '../support/kafka/kafka-cluster.ts';
import { withAdmin } from '../support/kafka/kafka-topics.ts';
import type { KeroProcess } from '../support/kero-process.ts';
import { anyPostgresServer, type PostgresServer } from '../support/postgres/postgres-server.ts';
import { processorOnKafka } from '../support/processor-on-kafka.ts';
import { waitUntil } from '../support/wait-until.ts';

/**
 * The promise: whatever happens to processors that share a topic and to the brokers, the committed offset never passes a
 * record that is not stored, nothing is stored twice, and all of it is stored in the end.
 */

const kafkaProblem = await kafkaAvailability();
const given = process.env.TEST_KAFKA_BOOTSTRAP_SERVERS;
const skip = kafkaProblem.available ? (given ? 'stops brokers' : false) : kafkaProblem.reason;

/** Short, so that the others need not wait long for a member that says nothing. */
const settings = { KAFKA_SESSION_TIMEOUT: '3s' };
const config = { 'group.min.session.timeout.ms': '1000' };
const CHURN_MS = 30_000;
const ROUND_MS = 2500;

describe('processors that share a topic', { timeout: 300_000, skip }, () => {
  let kafka: KafkaCluster;
  let postgres: { server: PostgresServer; remove: () => Promise<void> };

  before(async () => {
    [kafka, postgres] = await Promise.all([startKafka({ nodes: 3, config }), anyPostgresServer()]);
  });
  after(async () => {
    await kafka?.close();
    await postgres?.remove();
  });

  async function setUp(t: TestContext) {
    const processors = await processorOnKafka(t, { kafka, postgres: postgres.server, partitions: 6, settings });
    const column = async (sql: string) => (await processors.rows(sql)).map(([value]) => String(value));
    const readStored = async () => ({
      eventIds: await column('select event_id from events'),
      letters: await column("select log_partition || ':' || log_offset from dead_letters"),
    });
    const honest = new HonestCommits(t, { kafka, ...processors, readStored });
    const feed = await EventFeed.start(t, kafka, processors.topic);
    const count = async (table: string) => Number((await column(`select count(*) from ${table}`))[0]);
    /** All that was fed is stored, once, and committed. */
    const drained = async () => {
      await feed.stop();
      await waitUntil(async () => (await count('events')) >= feed.ids.length, {
        timeoutMs: 60_000,
        what: 'every event to be stored',
      });
      await waitUntil(async () => isCommitted(honest.latest, await ends(processors.topic)), {
        timeoutMs: 30_000,
        what: 'everything to be committed',
      });
      const { looks, garbage } = await honest.check();
      const { eventIds, letters } = await readStored();
      assert.deepEqual(eventIds.sort(), [...feed.ids].sort());
      assert.deepEqual(letters.sort(), garbage.sort());
      t.diagnostic(`${eventIds.length} events, ${letters.length} dead letters, ${looks} looks`);
    };
    return { ...processors, feed, count, drained, honest };
  }

  /** The offset after the last record of each partition. */
  async function ends(topic: string): Promise<bigint[]> {
    const found = await withAdmin(kafka, (admin) =>
      admin.listOffsets({
        topics: [
          { name: topic, partitions: Array.from({ length: 6 }, (_, p) => ({ partitionIndex: p, timestamp: -1n })) },
        ],
      }),
    );
    const byPartition: bigint[] = [];
    for (const { partitions } of found)
      for (const { partitionIndex, offset } of partitions) byPartition[partitionIndex] = offset;
    return byPartition;
  }

  test('one that stood still in the middle of a transaction while another took over changes nothing by going on, and comes back', async (t) => {
    const { start, rows, count, drained } = await setUp(t);
    const zombie = await start();
    await waitUntil(async () => (await count('events')) > 300);
    const locked = rows('do $$ begin lock table dead_letters in share row exclusive mode; perform pg_sleep(5); end $$');
    const [waiting] = await waitUntil(async () => {
      // Behind ours, which at first may itself wait.
      const waits = await rows(`select waits.pid from pg_locks as waits join pg_locks as ours using (relation)
        where relation = 'dead_letters'::regclass and not waits.granted and ours.granted and ours.mode = 'ShareRowExclusiveLock'`);
      return waits.length > 0 && waits;
    });
    zombie.child.kill('SIGSTOP');
    // The server lets it for some seconds only, which may be over when the other has started.
    const idle = `select from pg_stat_activity where pid = ${waiting?.[0]} and state = 'idle in transaction'`;
    const held = waitUntil(async () => (await rows(idle)).length > 0, {
      what: 'the zombie to hold a transaction open',
    });
    const [other] = await Promise.all([start(), held, locked]);
    const before = await count('events');
    await waitUntil(async () => (await count('events')) > before + 300, { what: 'the other to go on' });
    const joined = generations(zombie);
    zombie.child.kill('SIGCONT');
    await waitUntil(() => generations(zombie) > joined, { what: 'the zombie to come back' });
    await other.stop();
    await drained();
    assert.equal((await zombie.stop()).code, 0);
  });

  test('members that are killed and started, and brokers that are restarted one by one, make no commit lie', async (t) => {
    const { start, count, drained } = await setUp(t);
    const members = [await start()];
    const startedAt = performance.now();
    const bouncing = bounceBrokers(() => performance.now() - startedAt < CHURN_MS);
    for (let round = 0; performance.now() - startedAt < CHURN_MS; round++) {
      members.push(await start());
      await pause(ROUND_MS);
      const [oldest] = members.splice(0, members.length > 2 ? 1 : 0);
      await oldest?.stop(round % 3 === 0 ? 'SIGTERM' : 'SIGKILL');
    }
    const rounds = await bouncing;
    const before = await count('events');
    await drained();
    t.diagnostic(`${before} events when the faults ended; ${rounds} brokers restarted`);
    for (const member of members) assert.equal((await member.stop()).code, 0);
  });

  /** One after the other, while `goesOn` says so; each with time to come back. */
  async function bounceBrokers(goesOn: () => boolean): Promise<number> {
    let rounds = 0;
    for (; goesOn(); rounds++) {
      await kafka.kill(rounds % 3, 'SIGTERM');
      await kafka.start(rounds % 3);
      await pause(ROUND_MS);
    }
    return rounds;
  }
});

function isCommitted(committed: ReadonlyMap<number, bigint>, ends: readonly bigint[]): boolean {
  return ends.every((end, partition) => (committed.get(partition) ?? 0n) === end);
}

/** How often it was given partitions. */
function generations(processor: KeroProcess): number {
  return processor.output().match(/reading from Kafka/g)?.length ?? 0;
}
