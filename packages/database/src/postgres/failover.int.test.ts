import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { isKeroError } from '@kero/runtime';
import { type PostgresPair, startPostgresPair } from '../../../../test/support/postgres/hot-standby.ts';
import { silentLogger } from '../../../../test/support/postgres/postgres-server.ts';
import { waitUntil } from '../../../../test/support/wait-until.ts';
import { event, LOG_ID } from '../contract/store-under-test.contract.ts';
import type { Database, StoreBatch } from '../event-store.ts';
import type { SessionLimits } from './client.ts';
import { openPostgres } from './postgres-database.ts';

const WORKERS = 4;

function batchOf(events: number, logPartition = 0): StoreBatch {
  return { logId: LOG_ID, logPartition, events: Array.from({ length: events }, () => event()), deadLetters: [] };
}

/** As the processor does: the same batch until it goes in. */
async function store(database: Database, batch: StoreBatch, onFailure = () => {}): Promise<void> {
  await waitUntil(
    async () => {
      try {
        const { stored, redelivered } = await database.events.store(batch);
        assert.equal(stored + redelivered, batch.events.length, 'each event once');
        return true;
      } catch (error) {
        assert.ok(isKeroError(error, 'database_unavailable') && error.retryable, String(error));
        onFailure();
        return false;
      }
    },
    { timeoutMs: 60_000 },
  );
}

describe('a primary and its hot standby', { concurrency: false, timeout: 180_000 }, () => {
  let pair: PostgresPair;
  before(async () => {
    pair = await startPostgresPair();
  });
  after(() => pair.remove());

  /** The standby stands first in the list, and before it a host where nobody is. */
  async function open(t: TestContext, name: string, limits?: SessionLimits): Promise<Database> {
    const { primary, standby } = pair;
    const hosts = [{ host: '127.0.0.1', port: 1 }, ...standby.config('').hosts, ...primary.config('').hosts];
    const config = primary.config(name, { hosts, maxConnections: WORKERS });
    const database = await openPostgres(config, { logger: silentLogger, ...(limits && { limits }) });
    t.after(() => database.close());
    return database;
  }

  test('the one that takes writes is used, wherever it stands in the list', async (t) => {
    await pair.primary.run('create database listed');
    const database = await open(t, 'listed');
    assert.match(database.description, new RegExp(`:${pair.primary.port},`));
    await store(database, batchOf(3));
    assert.deepEqual(await pair.primary.run('select count(*) from events', 'listed'), [['3']]);
  });

  test('while its synchronous standby is away, a primary confirms nothing; afterwards it is recognised', async (t) => {
    await pair.primary.run('create database synchronous');
    const database = await open(t, 'synchronous', { statementMs: 300, answerMs: 600 });
    await store(database, batchOf(1));
    await pair.standby.stop();
    const batch = batchOf(5);
    for (let attempt = 0; attempt < 3; attempt++) {
      await assert.rejects(database.events.store(batch), (error) => isKeroError(error, 'database_unavailable'));
    }
    await pair.standby.start();
    await store(database, batch);
    assert.deepEqual(await pair.primary.run('select count(*) from events', 'synchronous'), [['6']]);
  });

  test('demoted under load, then the standby promoted: every event is there once, no dead letter', async (t) => {
    await pair.primary.run('create database failover');
    const database = await open(t, 'failover');
    let batches = 0;
    let failures = 0;
    let over = false;
    const worker = async (partition: number) => {
      let events = 0;
      while (!over) {
        await store(database, batchOf(20, partition), () => {
          failures++;
        });
        events += 20;
        batches++;
      }
      return events;
    };
    const failover = async () => {
      await waitUntil(() => batches > 20);
      // Running sessions become read-only too: each of them must be left, not only the first one that fails.
      await pair.primary.run('alter system set default_transaction_read_only = on');
      await pair.primary.run('select pg_reload_conf()').catch(() => {});
      await waitUntil(() => failures >= WORKERS);
      assert.equal(database.health().up, false);
      pair.promote();
      const before = batches;
      await waitUntil(() => batches > before + 20);
      over = true;
    };
    const counts = await Promise.all([...Array.from({ length: WORKERS }, (_, n) => worker(n)), failover()]);
    const total = counts.reduce<number>((sum, count) => sum + (count ?? 0), 0);
    const onNew = await pair.standby.run(
      'select count(*), (select count(*) from dead_letters) from events',
      'failover',
    );
    assert.deepEqual(onNew, [[String(total), '0']]);
    assert.deepEqual(database.health(), { up: true });
  });

  test('the new primary is killed and started again under load, the old one stays read-only: all goes on', async (t) => {
    const database = await open(t, 'failover');
    assert.match(database.description, new RegExp(`:${pair.standby.port},`));
    const before = Number((await pair.standby.run('select count(*) from events', 'failover'))[0]?.[0]);
    const load = Array.from({ length: WORKERS }, async (_, partition) => {
      for (let n = 0; n < 15; n++) await store(database, batchOf(20, partition));
    });
    pair.standby.kill('SIGQUIT');
    await waitUntil(() =>
      pair.standby
        .start()
        .then(() => true)
        .catch(() => false),
    );
    await Promise.all(load);
    const now = Number((await pair.standby.run('select count(*) from events', 'failover'))[0]?.[0]);
    assert.equal(now - before, WORKERS * 15 * 20);
  });
});
