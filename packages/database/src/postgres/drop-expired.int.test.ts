import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import {
  anyPostgresServer,
  type PostgresServer,
  silentLogger,
} from '../../../../test/support/postgres/postgres-server.ts';
import { waitUntil } from '../../../../test/support/wait-until.ts';
import { counts, countsOf, event, LOG_ID, letter } from '../contract/store-under-test.contract.ts';
import type { PostgresConfig } from '../database-settings.ts';
import { connectWritable, noLimits } from './client.ts';
import { PostgresEventRetention } from './drop-expired.ts';
import { RETENTION_MARK } from './expired-months.ts';
import { openPostgres } from './postgres-database.ts';
import { runQuery } from './run-query.ts';

let server: PostgresServer;
let remove: () => Promise<void>;
before(async () => {
  ({ server, remove } = await anyPostgresServer());
});
after(() => remove());

const DAY_MS = 86_400_000;
const YEAR = { retentionMs: 365 * DAY_MS, nowMs: Date.UTC(2026, 5, 15) };
const micros = (time: string) => Date.parse(time) * 1000;
const PARTITIONS = `select inhrelid::regclass::text from pg_inherits where inhparent = 'events'::regclass order by 1`;
const TABLES = `select relname from pg_class where relkind = 'r' and relname ~ '^events_' order by 1`;

async function open(t: TestContext, months: readonly string[]) {
  const config = await server.newDatabase(t);
  const database = await openPostgres(config, { logger: silentLogger });
  t.after(() => database.close());
  const store = async (...times: readonly string[]) => {
    const events = times.map((time) => event({ timestampMicros: micros(time) }));
    return countsOf(await database.events.store({ logId: LOG_ID, logPartition: 0, events, deadLetters: [letter()] }));
  };
  await store(...months.map((month) => `${month}-15T00:00:00Z`));
  const list = async (sql: string) => (await runQuery(config, sql)).rows.flat();
  return { config, database, store, list, retention: new PostgresEventRetention(config, { lockTimeoutMs: 300 }) };
}

/** Another session, whose statements are ended with the test. */
async function session(t: TestContext, config: PostgresConfig) {
  const { client } = await connectWritable(config, noLimits);
  t.after(() => client.end());
  return client;
}

const namesOf = (months: readonly { readonly name: string }[]) => months.map(({ name }) => name);

function done(result: Awaited<ReturnType<PostgresEventRetention['dropExpired']>>) {
  assert.equal(result.outcome, 'done');
  assert.ok(result.outcome === 'done');
  return { dropped: namesOf(result.dropped), waiting: result.waiting };
}

describe('dropping months that are older than the retention', { concurrency: false, timeout: 120_000 }, () => {
  test('a month goes when even its last moment is too old, and not a moment earlier', async (t) => {
    const { database, list, retention } = await open(t, ['2024-12', '2025-05', '2025-06', '2026-06']);
    assert.deepEqual(done(await retention.dropExpired({ ...YEAR, dryRun: true })).dropped, [
      'events_2024_12',
      'events_2025_05',
    ]);
    assert.equal((await list(PARTITIONS)).length, 4, 'a dry run drops nothing');
    const at = (time: string) =>
      database.retention.dropExpired({ ...YEAR, nowMs: Date.parse(time) + YEAR.retentionMs });
    assert.deepEqual(done(await at('2025-05-31T23:59:59.999Z')).dropped, ['events_2024_12']);
    assert.deepEqual(done(await at('2025-06-01T00:00:00Z')).dropped, ['events_2025_05']);
    assert.deepEqual(done(await at('2025-06-01T00:00:00Z')), { dropped: [], waiting: [] });
    assert.deepEqual(await list(TABLES), ['events_2025_06', 'events_2026_06']);
    assert.deepEqual(await list('select count(*) from dead_letters'), ['1'], 'dead letters stay');
  });

  test('a clock that runs years ahead of the server drops nothing more', async (t) => {
    const { list, retention } = await open(t, ['2020-01', '2026-06']);
    await retention.dropExpired({ retentionMs: 10 * 365 * DAY_MS, nowMs: Date.UTC(2090, 0) });
    assert.deepEqual(await list(TABLES), ['events_2020_01', 'events_2026_06']);
  });

  test('tables that Kero did not make are never touched', async (t) => {
    const { config, list, retention } = await open(t, ['2020-01']);
    for (const statement of [
      'create table events_2019_01 (like events including all)',
      `comment on table events_2019_01 is 'my copy'`,
      'create table events_2019_13 (like events including all)',
      `create table events_old partition of events for values from ('2018-01-01+00') to ('2018-02-01+00')`,
      // Holds younger events than its name says.
      `create table events_2017_01 partition of events for values from ('2017-01-01+00') to ('2018-01-01+00')`,
      'create schema elsewhere',
      `create table elsewhere.events_2016_01 partition of events for values from ('2016-01-01+00') to ('2016-02-01+00')`,
    ]) {
      await runQuery(config, statement);
    }
    assert.deepEqual(done(await retention.dropExpired(YEAR)).dropped, ['events_2020_01']);
    assert.deepEqual(await list(`${TABLES.replace(/order.*/, '')} order by relname collate "C"`), [
      'events_2016_01',
      'events_2017_01',
      'events_2019_01',
      'events_2019_13',
      'events_old',
    ]);
  });

  test('a long SELECT keeps its month, and neither storing nor new months wait for it or for the detach', async (t) => {
    const { config, store, list, retention } = await open(t, ['2020-01', '2020-02', '2026-06']);
    const reader = await session(t, config);
    await reader.query('begin; select count(*) from events');

    const retaining = retention.dropExpired(YEAR);
    const started = performance.now();
    assert.deepEqual(await store('2026-06-20T00:00:00Z', '2026-07-01T00:00:00Z'), counts({ stored: 2, letters: 1 }));
    assert.ok(performance.now() - started < 5_000, 'a new month is attached at once');
    const first = done(await retaining);
    assert.deepEqual(first, {
      dropped: [],
      waiting: [{ name: 'events_2020_01', reason: 'a statement that takes long still uses it' }],
    });
    assert.deepEqual(await list('select count(*) from events'), ['4'], 'new statements no longer see the month');
    assert.deepEqual(await store('2026-06-21T00:00:00Z', '2026-08-01T00:00:00Z'), counts({ stored: 2, letters: 1 }));
    assert.equal(done(await retention.dropExpired(YEAR)).waiting.length, 1, 'still in use');
    assert.equal((await reader.query('select count(*) from events')).rows.length, 1, 'the reader is not disturbed');

    await reader.query('commit');
    assert.deepEqual(done(await retention.dropExpired(YEAR)).dropped, ['events_2020_01', 'events_2020_02']);
    assert.deepEqual(await list(TABLES), ['events_2026_06', 'events_2026_07', 'events_2026_08']);
  });

  test('a detach that was broken off, by a stop or a killed session, is finished by the next call', async (t) => {
    const { config, list, retention } = await open(t, ['2020-01', '2020-02', '2026-06']);
    const pending = `select inhrelid::regclass::text from pg_inherits where inhdetachpending`;
    const patient = new PostgresEventRetention(config, { lockTimeoutMs: 60_000 });
    for (const end of ['stop', 'kill'] as const) {
      const reader = await session(t, config);
      await reader.query('begin; select count(*) from events');
      const stop = new AbortController();
      const broken = assert.rejects(patient.dropExpired({ ...YEAR, stop: stop.signal }));
      await waitUntil(async () => (await list(pending)).length === 1);
      if (end === 'stop') stop.abort();
      else await server.run(`select pg_terminate_backend(pid) from pg_stat_activity where query ~ '^alter table'`);
      await broken;
      assert.equal((await list(pending)).length, 1, 'it stands half done');
      await reader.query('commit');
      const expired = end === 'stop' ? 'events_2020_01' : 'events_2020_02';
      const only = { ...YEAR, nowMs: Date.UTC(2020, end === 'stop' ? 1 : 2) + YEAR.retentionMs };
      const next = await waitUntil(async () => {
        const result = await retention.dropExpired(only);
        return result.outcome === 'done' && result;
      });
      assert.deepEqual(done(next).dropped, [expired]);
    }
    assert.deepEqual(await list(TABLES), ['events_2026_06']);
  });

  test('a month that was detached, but not dropped, is dropped by the next call', async (t) => {
    const { config, list, retention } = await open(t, ['2020-01', '2020-02']);
    await runQuery(config, `comment on table events_2020_01 is '${RETENTION_MARK}'`);
    await runQuery(config, 'alter table events detach partition events_2020_01');
    await runQuery(config, 'alter table events detach partition events_2020_02');
    assert.deepEqual(done(await retention.dropExpired(YEAR)).dropped, ['events_2020_01']);
    assert.deepEqual(await list(TABLES), ['events_2020_02'], 'what a person has detached is theirs');
  });

  test('a detach that somebody else began is left to them', async (t) => {
    const { config, list, retention } = await open(t, ['2020-01', '2026-06']);
    const reader = await session(t, config);
    await reader.query('begin; select count(*) from events');
    const person = await session(t, config);
    await person.query('set lock_timeout = 100');
    await assert.rejects(person.query('alter table events detach partition events_2020_01 concurrently'));
    await reader.query('commit');
    const { dropped, waiting } = done(await retention.dropExpired(YEAR));
    assert.deepEqual(dropped, []);
    assert.match(waiting[0]?.reason ?? '', /somebody else/);
    assert.equal((await list(TABLES)).length, 2);
  });

  test('a month that a view of somebody depends on is named, and the others go', async (t) => {
    const { config, retention } = await open(t, ['2020-01', '2020-02']);
    await runQuery(config, 'create view mine as select * from events_2020_01');
    const { dropped, waiting } = done(await retention.dropExpired(YEAR));
    assert.deepEqual(dropped, ['events_2020_02']);
    assert.match(waiting[0]?.reason ?? '', /other objects depend on it/);
  });

  test('of several processes one drops, the others leave it to that one', async (t) => {
    const months = Array.from({ length: 12 }, (_, index) => `2020-${String(index + 1).padStart(2, '0')}`);
    const { list, retention } = await open(t, months);
    const results = await Promise.all(Array.from({ length: 4 }, () => retention.dropExpired(YEAR)));
    const dropped = results.flatMap((result) => (result.outcome === 'done' ? namesOf(result.dropped) : []));
    assert.deepEqual(
      dropped.sort(),
      months.map((month) => `events_${month.replace('-', '_')}`),
      'each once',
    );
    assert.ok(results.some(({ outcome }) => outcome === 'busy'));
    assert.deepEqual(await list(TABLES), []);
  });

  test('a role that does not own events is told whose task it is, and touches nothing', async (t) => {
    const { config, list } = await open(t, ['2020-01', '2026-06']);
    await server.run(`create role visitor login password 'visitor'`);
    t.after(() => server.run('drop role visitor'));
    const visitor = new PostgresEventRetention({ ...config, user: 'visitor', password: 'visitor' });
    const result = await visitor.dropExpired(YEAR);
    assert.ok(result.outcome === 'not_owner');
    assert.deepEqual(
      [result.role, result.owner, namesOf(result.expired)],
      ['visitor', config.user, ['events_2020_01']],
    );
    assert.equal((await list(TABLES)).length, 2);
  });

  test('an event of a month that is gone makes the month again, to be dropped with the next call', async (t) => {
    const { store, list, retention } = await open(t, ['2020-01', '2026-06']);
    await retention.dropExpired(YEAR);
    assert.equal((await store('2020-01-15T00:00:00Z')).stored, 1, 'a processor whose retention is longer goes on');
    assert.deepEqual(done(await retention.dropExpired(YEAR)).dropped, ['events_2020_01']);
    assert.deepEqual(await list(TABLES), ['events_2026_06']);
  });
});
