import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { isKeroError } from '@kero/runtime';
import {
  type OwnPostgresServer,
  silentLogger,
  startPostgresServer,
} from '../../../test/support/postgres/postgres-server.ts';
import { event, LOG_ID } from './contract/store-under-test.contract.ts';
import { migrate } from './migrate.ts';
import { connectDatabase, openDatabase } from './open-database.ts';
import { runQuery } from './postgres/run-query.ts';
import { knownMigrations } from './schema-version.ts';

const options = { logger: silentLogger };
let server: OwnPostgresServer;
let remove: () => Promise<void>;
before(async () => {
  ({ server, remove } = await startPostgresServer());
});
after(() => remove());

function refusal(code: string, ...texts: RegExp[]): (error: unknown) => true {
  return (error) => {
    assert.ok(isKeroError(error, code), String(error));
    for (const text of texts) assert.match(error.message, text);
    return true;
  };
}

/** Nothing to compare with; `drop database` at the end must not find it open. */
async function openOnce(config: Parameters<typeof openDatabase>[0]): Promise<string> {
  const database = await openDatabase(config, options);
  await database.close();
  return database.description;
}

describe('opening a database', { concurrency: false }, () => {
  test('says which server and database it is, and nothing secret', async (t) => {
    const config = await server.newDatabase(t);
    assert.match(
      await openOnce(config),
      new RegExp(`^PostgreSQL 18\\.\\d+ at 127\\.0\\.0\\.1:${server.port}, database ${config.database}$`),
    );
  });

  test('migrates only when it is told to; else a missing schema is named, with the way out', async (t) => {
    const config = await server.newDatabase(t, { migrate: false });
    await assert.rejects(openOnce(config), refusal('schema_missing', /000001_events/));
    assert.deepEqual((await runQuery(config, `select count(*) from pg_tables where schemaname = 'public'`)).rows, [
      ['0'],
    ]);
    const { applied } = await migrate(config, options);
    assert.deepEqual(applied, knownMigrations());
    assert.deepEqual(await migrate(config, options), { applied: [] }, 'a second time there is nothing to do');
    await openOnce(config);
  });

  test('a schema that is newer than the program is refused, for opening and for migrating', async (t) => {
    const config = await server.newDatabase(t);
    await openOnce(config);
    await runQuery(config, `insert into kero_migrations (name, run_on) values ('999999_future', now())`);
    await assert.rejects(openOnce(config), refusal('schema_newer', /999999_future/));
    await assert.rejects(migrate(config, options), refusal('schema_newer', /999999_future/));
  });

  test('a database without the primary key of events is refused: everything would be stored twice', async (t) => {
    const config = await server.newDatabase(t);
    await openOnce(config);
    await runQuery(config, 'alter table events drop constraint events_pkey');
    await assert.rejects(openOnce({ ...config, migrate: false }), refusal('database_misconfigured', /primary key/));
  });

  test('a database that cannot hold every character is refused, and those that Kero makes can', async (t) => {
    const config = await server.newDatabase(t);
    await server.run(`drop database ${config.database}`);
    await server.run(`create database ${config.database} encoding 'LATIN1' template template0 locale 'C'`);
    await assert.rejects(openOnce(config), refusal('schema_missing', /LATIN1/));
  });

  test('a commit is on disk when it is confirmed, also where the server does not wait by default', async (t) => {
    const config = await server.newDatabase(t);
    await server.run(`alter database ${config.database} set synchronous_commit = off`);
    const database = await openDatabase(config, options);
    const { rows } = await database.query('show synchronous_commit');
    await database.close();
    assert.deepEqual(rows, [['on']]);
  });

  test('a database that does not exist is made by migrating, and named otherwise', async (t) => {
    const database = `missing_${Date.now()}`;
    t.after(() => server.run(`drop database if exists ${database} with (force)`));
    const config = server.config(database, { migrate: false });
    await assert.rejects(
      openOnce(config),
      refusal('database_misconfigured', new RegExp(`"${database}" does not exist`)),
    );
    await migrate(config, options);
    await openOnce(config);
  });

  test('ten processes that migrate at the same time make one schema', async (t) => {
    const database = `raced_${Date.now()}`;
    t.after(() => server.run(`drop database if exists ${database} with (force)`));
    const config = server.config(database);
    const results = await Promise.all(Array.from({ length: 10 }, () => migrate(config, options)));
    assert.deepEqual(
      results.flatMap(({ applied }) => applied).sort(),
      knownMigrations(),
      'each was applied by one of them',
    );
    await openOnce(config);
  });

  test('a role that may not migrate is told what it lacks, and nothing is left half done', async (t) => {
    const config = await server.newDatabase(t);
    await server.run(`create role weak login password 'weak'`);
    t.after(() => server.run('drop role weak'));
    const weak = { ...config, user: 'weak', password: 'weak' };
    await assert.rejects(migrate(weak, options), refusal('migration_failed', /permission denied for schema public/));
    await openOnce(config);
  });

  test('a wrong or missing password is named at once, and not printed', async (t) => {
    const config = await server.newDatabase(t);
    const started = performance.now();
    await assert.rejects(openOnce({ ...config, password: 'wrong-secret' }), (error) => {
      refusal('database_misconfigured', /password authentication failed for user "kero"/)(error);
      assert.doesNotMatch(String(error), /wrong-secret/);
      return true;
    });
    await assert.rejects(
      openOnce({ ...config, password: undefined }),
      refusal('database_misconfigured', /POSTGRES_PASSWORD/),
    );
    assert.ok(performance.now() - started < 5_000, 'it did not wait for a server that is there');
  });

  test('a server that is just starting is waited for', async (t) => {
    const config = await server.newDatabase(t);
    await server.stop();
    const opening = openOnce(config);
    await server.start();
    await opening;
  });
});

describe('statements of a person', { concurrency: false }, () => {
  async function connect(t: TestContext) {
    const database = await connectDatabase(await server.newDatabase(t), options);
    t.after(() => database.close());
    return database;
  }

  test('give every value as PostgreSQL prints it', async (t) => {
    const database = await connect(t);
    const result = await database.query(`select 19.90::numeric as price, 9007199254740993 as n, true as yes, null as no,
      '{"b":1, "a":1.10}'::jsonb as data, '\\x00ff'::bytea as bytes, array[1,2] as list,
      timestamptz '2026-11-23 10:00:00.123456+00' at time zone 'UTC' as at, '' as empty`);
    assert.deepEqual(result.columns, ['price', 'n', 'yes', 'no', 'data', 'bytes', 'list', 'at', 'empty']);
    assert.deepEqual(result.rows, [
      [
        '19.90',
        '9007199254740993',
        't',
        null,
        '{"a": 1.10, "b": 1}',
        '\\x00ff',
        '{1,2}',
        '2026-11-23 10:00:00.123456',
        '',
      ],
    ]);
    assert.equal(result.command, 'SELECT');
    assert.equal(result.rowCount, 1);
  });

  test('may change things, and may be several: the last one answers', async (t) => {
    const database = await connect(t);
    const result = await database.query('create table t (a int); insert into t values (1), (2)');
    assert.deepEqual([result.command, result.rowCount, result.columns], ['INSERT', 2, []]);
    assert.deepEqual((await database.query('')).rows, []);
  });

  test('leave nothing behind in the session', async (t) => {
    const database = await connect(t);
    await database.query(`begin; set timezone = 'Asia/Tokyo'`);
    assert.deepEqual((await database.query(`select current_setting('timezone')`)).rows, [['UTC']]);
  });

  test('that are wrong are answered with what PostgreSQL says, place and hint included', async (t) => {
    const database = await connect(t);
    await assert.rejects(
      database.query('select user_idd from pg_stat_activity'),
      refusal('query_failed', /^42703: column "user_idd" does not exist \(at character 8\)/),
    );
    await assert.rejects(database.query('copy pg_class from stdin'), refusal('query_failed', /COPY from stdin failed/));
  });

  test('work on a schema that does not fit the program', async (t) => {
    const database = await connect(t);
    assert.deepEqual((await database.query('select 1')).rows, [['1']]);
    const batch = { logId: LOG_ID, logPartition: 0, events: [event()], deadLetters: [] };
    await assert.rejects(database.events.store(batch), refusal('schema_missing'));
  });
});

describe('TLS', { concurrency: false }, () => {
  let folder: string;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kero-tls-'));
    for (const [name, subject, altName] of [
      ['good', '/CN=test', 'IP:127.0.0.1'],
      ['other', '/CN=test', 'DNS:elsewhere.example'],
    ] as const) {
      execFileSync(
        'openssl',
        [
          ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', subject],
          ...['-addext', `subjectAltName=${altName}`, '-keyout', `${name}.key`, '-out', `${name}.pem`],
        ],
        { cwd: folder, stdio: 'ignore' },
      );
      chmodSync(join(folder, `${name}.key`), 0o600);
    }
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  async function useCertificate(name: string): Promise<void> {
    await server.run(`alter system set ssl_cert_file = '${join(folder, `${name}.pem`)}'`);
    await server.run(`alter system set ssl_key_file = '${join(folder, `${name}.key`)}'`);
    await server.run('alter system set ssl = on');
    await server.run('select pg_reload_conf()');
  }

  test('a server without TLS is refused when TLS is demanded', async (t) => {
    const config = await server.newDatabase(t, { sslMode: 'require' });
    await assert.rejects(openOnce(config), refusal('database_misconfigured', /POSTGRES_SSL_MODE/));
  });

  test('require encrypts; verify-full also checks who the server is', async (t) => {
    const config = await server.newDatabase(t);
    t.after(async () => {
      await server.run('alter system reset all');
      await server.run('select pg_reload_conf()');
    });
    await useCertificate('good');
    const encrypted = async (sslMode: 'require' | 'verify-full', sslCaFile?: string) => {
      const mine = await runQuery(
        { ...config, sslMode, sslCaFile },
        'select ssl from pg_stat_ssl where pid = pg_backend_pid()',
      );
      return mine.rows[0]?.[0];
    };
    const ca = join(folder, 'good.pem');
    assert.equal(await encrypted('require'), 't');
    assert.equal(await encrypted('verify-full', ca), 't');
    await assert.rejects(
      encrypted('verify-full'),
      refusal('database_misconfigured', /POSTGRES_SSL_CA_FILE/),
      'unknown CA',
    );
    await assert.rejects(
      encrypted('verify-full', join(folder, 'missing.pem')),
      refusal('database_misconfigured', /missing\.pem/),
    );
    await useCertificate('other');
    await assert.rejects(
      encrypted('verify-full', join(folder, 'other.pem')),
      refusal('database_misconfigured', /certificate/),
      'another host name',
    );
    assert.equal(await encrypted('require'), 't');
  });
});
