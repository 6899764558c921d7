import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, type TestContext, test } from 'node:test';
import { isKeroError } from '@kero/runtime';
import {
  type OwnPostgresServer,
  silentLogger,
  startPostgresServer,
} from '../../../test/support/postgres/postgres-server.ts';
import { counts, countsOf, event, LOG_ID, letter, record } from './contract/store-under-test.contract.ts';
import type { PostgresConfig } from './database-settings.ts';
import { migrate } from './migrate.ts';
import { openDatabase } from './open-database.ts';
import { runQuery } from './postgres/run-query.ts';
import { knownMigrations } from './schema-version.ts';

const PAGE = readFileSync(new URL('../../../docs/querying.md', import.meta.url), 'utf8');
const options = { logger: silentLogger };

interface Block {
  readonly section: string;
  readonly statements: readonly string[];
}

/** The SQL blocks of the page, each under its second-level heading. */
function readBlocks(): Block[] {
  return PAGE.split(/^## /m).flatMap((section) => {
    const title = section.slice(0, section.indexOf('\n'));
    return [...section.matchAll(/```sql\n([\s\S]*?)```/g)].map(([, sql = '']) => ({
      section: title,
      statements: sql
        .split(/;\s*\n/)
        .map((statement) => statement.trim())
        .filter((statement) => statement !== ''),
    }));
  });
}

const blocks = readBlocks();
const blocksOf = (section: string) => blocks.filter((block) => block.section === section);

let server: OwnPostgresServer;
let remove: () => Promise<void>;
before(async () => {
  ({ server, remove } = await startPostgresServer());
});
after(() => remove());

const TIME = Date.UTC(2026, 10, 22, 6, 20) * 1000;

/** A database in which every question of the page has an answer. */
async function databaseWithEvents(t: TestContext): Promise<PostgresConfig> {
  const config = await server.newDatabase(t);
  const database = await openDatabase(config, options);
  const id = Buffer.from('01a202c4e2008abc9def0123456789ab', 'hex');
  const timestampMicros = id.readUIntBE(0, 6) * 1000 + 999;
  const known = { ...event({ timestampMicros, data: '{"price":0.10,"tags":["new","sale"]}' }), id, record: record(7n) };
  const events = [
    known,
    event({ timestampMicros: TIME, data: '{"price":"0.20"}' }),
    event({ timestampMicros: TIME, data: '{"price":9007199254740993.01}' }),
    event({ timestampMicros: TIME, userId: 'user-2', data: '{"price":5}' }),
  ];
  const conflict = { ...known, eventData: Buffer.from('{}'), record: record(8n) };
  const deadLetters = [letter(), letter({ reason: 'invalid' })];
  await database.events.store({ logId: LOG_ID, logPartition: 0, events, deadLetters });
  await database.events.store({ logId: LOG_ID, logPartition: 0, events: [conflict], deadLetters: [] });
  await database.close();
  return config;
}

describe('docs/querying.md', { concurrency: false }, () => {
  test('has SQL in the sections that the tests below execute, and nowhere else', () => {
    assert.deepEqual([...new Set(blocks.map((block) => block.section))], ['Questions', 'Indexes', 'Roles']);
  });

  test('every question is answered with rows', async (t) => {
    const config = await databaseWithEvents(t);
    for (const { statements } of blocksOf('Questions')) {
      assert.equal(statements.length, 1);
      const result = await runQuery(config, statements[0]!);
      assert.ok((result.rowCount ?? 0) > 0, `no row:\n${statements[0]}`);
    }
  });

  test('sums of money are exact', async (t) => {
    const config = await databaseWithEvents(t);
    const sum = blocksOf('Questions').find(({ statements }) => statements[0]?.includes('sum('))?.statements[0];
    assert.deepEqual((await runQuery(config, sum!)).rows, [
      ['user-1', '9007199254740993.31'],
      ['user-2', '5'],
    ]);
  });

  test('the indexes can be made, are used, and later months get them too', async (t) => {
    const config = await databaseWithEvents(t);
    for (const { statements } of blocksOf('Indexes')) {
      for (const statement of statements) await runQuery(config, statement);
    }
    const database = await openDatabase(config, options);
    const later = event({ timestampMicros: Date.UTC(2027, 0, 1) * 1000 });
    const result = await database.events.store({ logId: LOG_ID, logPartition: 0, events: [later], deadLetters: [] });
    assert.deepEqual(countsOf(result), counts({ stored: 1 }));
    await database.close();
    const made = await runQuery(
      config,
      `select tablename, count(*) from pg_indexes where tablename in ('events_2026_11', 'events_2027_01') group by 1 order by 1`,
    );
    assert.deepEqual(made.rows, [
      ['events_2026_11', '6'],
      ['events_2027_01', '6'],
    ]);
    const [userQuestion] = blocksOf('Questions')[0]?.statements ?? [];
    const plan = await runQuery(config, `set enable_seqscan = off; explain ${userQuestion}`);
    assert.match(plan.rows.flat().join('\n'), /user_id_event_timestamp_idx/);
  });

  test('the roles can do what they must, and nothing else', async (t) => {
    const [asSuperuser, asOwner] = blocksOf('Roles');
    for (const statement of asSuperuser!.statements) await server.run(statement);
    const role = (user: string, password: string): PostgresConfig =>
      server.config('processor', { user, password, migrate: false });
    const owner = role('kero_owner', 'choose-one');
    assert.deepEqual((await migrate(owner, options)).applied, knownMigrations());
    for (const statement of asOwner!.statements) await runQuery(owner, statement);

    const processor = role('kero_processor', 'choose-another');
    const database = await openDatabase(processor, options);
    t.after(() => database.close());
    const store = async (events = [event()], deadLetters = [letter()]) =>
      countsOf(await database.events.store({ logId: LOG_ID, logPartition: 0, events, deadLetters }));
    const first = [event({ name: 'one' }), event({ timestampMicros: 0 })];
    assert.deepEqual(await store(first), counts({ stored: 2, letters: 1 }), 'new months, rows and letters');
    const second = [...first, event({ name: 'one', data: '{}' })];
    assert.deepEqual(await store(second, []), counts({ redelivered: 2, letters: 1, conflicts: 1 }));

    const reader = role('kero_reader', 'and-a-third');
    assert.deepEqual((await runQuery(reader, 'select count(*) from events')).rows, [['2']]);
    assert.deepEqual((await runQuery(reader, 'select count(*) from dead_letters')).rows, [['2']]);

    const operator = role('kero_operator', 'and-a-fourth');
    const byHand = await openDatabase(operator, options);
    t.after(() => byHand.close());
    const action = await byHand.audit.begin({ action: 'dead_letters_discard', actor: 'ann', detail: {} });
    const discard = { from: ['open'], to: 'discarded', note: 'junk' } as const;
    assert.equal(await byHand.deadLetters.setStatus([1n], discard), 1);
    await byHand.audit.end(action, { outcome: 'done' });
    assert.equal((await byHand.deadLetters.read({}, { after: 0n, upTo: 9n, limit: 9 })).length, 2);

    for (const [who, forbidden] of [
      [processor, 'delete from events'],
      [processor, `update events set user_id = 'x'`],
      [processor, 'truncate dead_letters'],
      [processor, 'drop table events_2026_11'],
      [processor, 'create table mine ()'],
      [processor, 'alter table events add mine int'],
      [processor, `insert into kero_migrations (name, run_on) values ('x', now())`],
      [processor, `update dead_letters set status = 'discarded'`],
      [processor, 'select * from audit_log'],
      [operator, 'delete from audit_log'],
      [operator, `update audit_log set actor = 'somebody else'`],
      [operator, `update dead_letters set payload = ''`],
      [operator, 'delete from dead_letters'],
      [operator, `insert into events select * from events`],
      [reader, 'delete from dead_letters'],
      [reader, `update dead_letters set status = 'discarded'`],
      [reader, `insert into events select * from events`],
      [reader, `select kero_ensure_events_partition('2001-01-01')`],
    ] as const) {
      await assert.rejects(runQuery(who, forbidden), (error) => {
        assert.ok(isKeroError(error, 'query_failed'), String(error));
        assert.match(error.message, /^42501/, forbidden);
        return true;
      });
    }
  });
});
