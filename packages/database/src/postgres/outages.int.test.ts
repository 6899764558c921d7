import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { isKeroError } from '@kero/runtime';
import {
  type OwnPostgresServer,
  silentLogger,
  startPostgresServer,
} from '../../../../test/support/postgres/postgres-server.ts';
import { TcpProxy } from '../../../../test/support/postgres/tcp-proxy.ts';
import { waitUntil } from '../../../../test/support/wait-until.ts';
import { counts, countsOf, event, LOG_ID, letter } from '../contract/store-under-test.contract.ts';
import type { Database, StoreBatch, StoreEvent, StoreResult } from '../event-store.ts';
import { connectWritable, noLimits } from './client.ts';
import { type OpenOptions, openPostgres } from './postgres-database.ts';

const options = { logger: silentLogger };
let server: OwnPostgresServer;
let remove: () => Promise<void>;
before(async () => {
  ({ server, remove } = await startPostgresServer());
});
after(() => remove());

async function open(t: TestContext, config: Parameters<typeof openPostgres>[0], more: Partial<OpenOptions> = {}) {
  const database = await openPostgres(config, { ...options, ...more });
  t.after(() => database.close());
  return database;
}

function batch(events: readonly StoreEvent[], more: Partial<StoreBatch> = {}): StoreBatch {
  return { logId: LOG_ID, logPartition: 0, events, deadLetters: [], ...more };
}

const unavailable = (error: unknown) => {
  assert.ok(isKeroError(error, 'database_unavailable'), String(error));
  assert.equal(error.retryable, true);
  return true;
};

async function stored(database: Database, given: StoreBatch): Promise<ReturnType<typeof countsOf>> {
  return waitUntil(async () => {
    try {
      return countsOf(await database.events.store(given));
    } catch (error) {
      unavailable(error);
      return undefined;
    }
  });
}

async function countEvents(database: Database): Promise<string | null | undefined> {
  return (await database.query('select count(*) from events')).rows[0]?.[0];
}

/** A session that holds a lock which every store waits for, until it is ended. */
async function lockEvents(t: TestContext, database: string): Promise<{ release: () => Promise<void> }> {
  const { client } = await connectWritable(server.config(database), noLimits);
  t.after(() => client.end());
  await client.query('begin; lock table events in access exclusive mode');
  return {
    release: async () => {
      await client.query('rollback');
    },
  };
}

describe('the postgres driver in an outage', { concurrency: false, timeout: 120_000 }, () => {
  test('a stopped server: batches are refused as retryable, and go in once it is back', async (t) => {
    const database = await open(t, await server.newDatabase(t));
    await database.events.store(batch([event()]));
    await server.stop();
    const waiting = batch([event(), event()], { deadLetters: [letter()] });
    for (let attempt = 0; attempt < 3; attempt++) await assert.rejects(database.events.store(waiting), unavailable);
    const health = database.health();
    assert.ok(!health.up && health.reason.includes(`127.0.0.1:${server.port}`), JSON.stringify(health));
    await server.start();
    assert.deepEqual(await stored(database, waiting), counts({ stored: 2, letters: 1 }));
    assert.deepEqual(database.health(), { up: true });
    assert.equal(await countEvents(database), '3');
  });

  test('a server that is restarted while nobody stores is noticed by the health, and so is its return', async (t) => {
    const database = await open(t, await server.newDatabase(t));
    await server.stop();
    await assert.rejects(database.events.store(batch([event()])), unavailable);
    assert.equal(database.health().up, false);
    await server.start();
    await waitUntil(() => database.health().up);
  });

  test('a server that goes away while nobody stores is noticed by the health alone', async (t) => {
    const database = await open(t, await server.newDatabase(t));
    assert.equal(database.health().up, true);
    await server.stop();
    await waitUntil(() => !database.health().up);
    await server.start();
    await waitUntil(() => database.health().up);
  });

  test('a server that is killed under load: everything is stored once', async (t) => {
    const database = await open(t, await server.newDatabase(t));
    let batches = 0;
    let killed = false;
    const worker = async (logPartition: number) => {
      for (let n = 0; n < 30; n++) {
        const events = Array.from({ length: 50 }, () => event());
        const result = await stored(database, batch(events, { logPartition }));
        assert.equal(result.stored + result.redelivered, 50);
        batches++;
      }
    };
    const restart = async () => {
      await waitUntil(() => batches > 10);
      server.kill();
      killed = true;
      await waitUntil(() =>
        server.start().then(
          () => true,
          () => false,
        ),
      );
    };
    await Promise.all([worker(0), worker(1), restart()]);
    assert.ok(killed);
    assert.equal(await countEvents(database), '3000');
  });

  test('a session that stands still in the middle of a transaction does not hold up another for long', async (t) => {
    const config = await server.newDatabase(t);
    const database = await open(t, config);
    await lockEvents(t, config.database);
    assert.deepEqual(
      countsOf(await database.events.store(batch([event()]))),
      counts({ stored: 1 }),
      'at the first attempt',
    );
  });

  test('what is stored already is confirmed only when the synchronous standby has it, too', async (t) => {
    const database = await open(t, await server.newDatabase(t));
    const given = batch([event()], { deadLetters: [letter()] });
    await database.events.store(given);
    const configure = async (change: string) => {
      await server.run(`alter system ${change}`);
      await server.run('select pg_reload_conf()');
    };
    t.after(() => configure('reset synchronous_standby_names'));
    await configure("set synchronous_standby_names = 'away'");
    await waitUntil(async () => (await server.run('show synchronous_standby_names'))[0]?.[0] === 'away');
    let confirmed: StoreResult | undefined;
    const storing = database.events.store(given).then((result) => {
      confirmed = result;
    });
    await waitUntil(async () => {
      const waiting = await server.run("select from pg_stat_activity where wait_event = 'SyncRep'");
      return waiting.length === 1;
    });
    assert.equal(confirmed, undefined);
    await configure('reset synchronous_standby_names');
    await storing;
    assert.deepEqual(confirmed && countsOf(confirmed), counts({ redelivered: 2 }));
  });

  test('a session that is ended by an administrator, idle or at work, costs one attempt', async (t) => {
    const config = await server.newDatabase(t);
    const database = await open(t, config);
    await database.events.store(batch([event()]));
    const terminate = () =>
      server.run(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${config.database}'
        and application_name = 'kero-test' and (query like 'copy%' or query like 'select set_config%')`);
    await terminate();
    assert.deepEqual(await stored(database, batch([event()])), counts({ stored: 1 }));

    const lock = await lockEvents(t, config.database);
    const waiting = batch([event()]);
    const refused = assert.rejects(database.events.store(waiting), unavailable);
    await waitUntil(async () => (await terminate()).length > 0);
    await refused;
    await lock.release();
    assert.deepEqual(await stored(database, waiting), counts({ stored: 1 }));
  });

  test('a server that is set read-only is an outage, and nothing becomes a dead letter', async (t) => {
    const config = await server.newDatabase(t);
    const database = await open(t, config);
    await database.events.store(batch([event()]));
    await server.run(`alter system set default_transaction_read_only = on`);
    await server.run('select pg_reload_conf()').catch(() => {});
    await waitUntil(() => !database.health().up, { what: 'the health to notice it, although nobody stores' });
    const waiting = batch([event()]);
    await waitUntil(async () => {
      try {
        await database.events.store(batch([event()]));
        return undefined;
      } catch (error) {
        return unavailable(error);
      }
    });
    await assert.rejects(database.events.store(waiting), unavailable);
    await server.stop();
    server.resetConfiguration();
    await server.start();
    assert.deepEqual(await stored(database, waiting), counts({ stored: 1 }));
    assert.deepEqual((await database.query('select count(*) from dead_letters')).rows, [['0']]);
  });

  test('a statement that takes too long is ended by the server and counts as an outage', async (t) => {
    const config = await server.newDatabase(t);
    const database = await open(t, config, { limits: { statementMs: 200, answerMs: 20_000 } });
    await database.events.store(batch([event()]));
    const lock = await lockEvents(t, config.database);
    await assert.rejects(database.events.store(batch([event()])), unavailable);
    await lock.release();
    assert.deepEqual(await stored(database, batch([event()])), counts({ stored: 1 }));
  });

  test('a network that swallows everything: the caller is told in time, and it goes on when the network is back', async (t) => {
    const config = await server.newDatabase(t);
    await using proxy = await TcpProxy.start({ host: '127.0.0.1', port: server.port });
    const throughProxy = { ...config, hosts: [{ host: '127.0.0.1', port: proxy.port }] };
    const database = await open(t, throughProxy, { limits: { statementMs: 0, answerMs: 300 } });
    await database.events.store(batch([event()]));
    proxy.blackhole = true;
    const waiting = batch([event()]);
    const before = performance.now();
    await assert.rejects(database.events.store(waiting), unavailable);
    await assert.rejects(database.events.store(waiting), unavailable, 'a new connection is not answered either');
    assert.ok(performance.now() - before < 15_000);
    // What was swallowed is lost, so only a new connection can work.
    proxy.blackhole = false;
    const result = await stored(database, waiting);
    assert.equal(result.stored + result.redelivered, 1);
    assert.equal(await countEvents(database), '2');
  });

  test('closing waits for what is at work, but not for ever', async (t) => {
    const config = await server.newDatabase(t);
    const patient = await openPostgres(config, options);
    const impatient = await openPostgres(config, { ...options, closeGraceMs: 200 });
    const lock = await lockEvents(t, config.database);
    const work = [patient, impatient].map((database) => database.events.store(batch([event()])));
    const ended = Promise.allSettled(work);
    const waiters = `select pid from pg_stat_activity where wait_event_type = 'Lock' and datname = '${config.database}'`;
    await waitUntil(async () => (await server.run(waiters)).length === 2);
    await impatient.close();
    const closing = patient.close();
    await lock.release();
    await closing;
    const [first, second] = await ended;
    assert.equal(first?.status, 'fulfilled');
    assert.ok(second?.status === 'rejected' && unavailable(second.reason));
    for (const database of [patient, impatient])
      await assert.rejects(database.events.store(batch([event()])), unavailable);
  });

  test('a connection that breaks in the moment of the commit: the same batch again is recognised', async (t) => {
    const config = await server.newDatabase(t);
    await using proxy = await TcpProxy.start({ host: '127.0.0.1', port: server.port });
    const database = await open(t, { ...config, hosts: [{ host: '127.0.0.1', port: proxy.port }] });
    await database.events.store(batch([event()]));
    const waiting = batch([event(), event()], { deadLetters: [letter()] });
    proxy.dropAnswersAfter = (sent) => sent.includes('commit');
    await assert.rejects(database.events.store(waiting), unavailable);
    proxy.dropAnswersAfter = undefined;
    // The server has committed, although nobody heard it; it may need a moment for that.
    await waitUntil(async () => (await countEvents(database)) === '3');
    assert.deepEqual(await stored(database, waiting), counts({ redelivered: 3 }));
  });
});

describe('a list of hosts', { concurrency: false, timeout: 120_000 }, () => {
  test('the first one that answers and takes writes is used; after a failover, the new one', async (t) => {
    const second = await startPostgresServer();
    t.after(() => second.remove());
    const hosts = [{ host: '127.0.0.1', port: 1 }, ...server.config('').hosts, ...second.server.config('').hosts];
    const config = await server.newDatabase(t, { hosts });
    await openPostgres(second.server.config(config.database), options).then((database) => database.close());
    const database = await open(t, config);
    assert.match(database.description, new RegExp(`at 127\\.0\\.0\\.1:${server.port},`));
    await database.events.store(batch([event()]));
    await server.run(`alter database ${config.database} set default_transaction_read_only = on`);
    await server.run(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${config.database}'`);
    const waiting = batch([event(), event()]);
    assert.deepEqual(await stored(database, waiting), counts({ stored: 2 }));
    const onSecond = await second.server.run('select count(*) from events', config.database);
    assert.deepEqual(onSecond, [['2']], 'the new primary has them');
  });

  test('when none will do, each is named with its reason', async () => {
    const hosts = [
      { host: '127.0.0.1', port: 1 },
      { host: '127.0.0.1', port: 2 },
    ];
    await assert.rejects(openPostgres(server.config('x', { hosts }), { ...options, patienceMs: 0 }), (error) => {
      unavailable(error);
      assert.match(String(error), /127\.0\.0\.1:1: .*ECONNREFUSED.*127\.0\.0\.1:2: .*ECONNREFUSED/);
      return true;
    });
  });
});
