import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createLogger, isKeroError } from '@kero/runtime';
import pg from 'pg';
import { silentLogger } from '../../../../test/support/postgres/postgres-server.ts';
import { waitUntil } from '../../../../test/support/wait-until.ts';
import { event, LOG_ID } from '../contract/store-under-test.contract.ts';
import type { EmbeddedDatabaseConfig } from '../database-settings.ts';
import type { Database } from '../event-store.ts';
import { connectDatabase, openDatabase } from '../open-database.ts';
import { embeddedConnection } from './embedded-database.ts';
import { isPortFree } from './server-folder.ts';
import { serverPid } from './server-pid.ts';

const options = { logger: silentLogger };
const PROGRAM = fileURLToPath(new URL('./start-and-wait.test-program.ts', import.meta.url));

function newFolder(t: TestContext): string {
  // mkdtemp makes it 0700, which as root is the hard case.
  const folder = mkdtempSync(join(tmpdir(), 'kero-embedded-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'a folder with "odd" $characters', 'postgres');
}

function configOf(directory: string, overrides: Partial<EmbeddedDatabaseConfig> = {}): EmbeddedDatabaseConfig {
  return {
    driver: 'embedded',
    directory,
    port: undefined,
    database: 'processor',
    user: 'kero',
    password: undefined,
    applicationName: 'kero-test',
    maxConnections: 2,
    ...overrides,
  };
}

async function withDatabase<T>(config: EmbeddedDatabaseConfig, body: (database: Database) => Promise<T>): Promise<T> {
  const database = await openDatabase(config, options);
  try {
    return await body(database);
  } finally {
    await database.close();
  }
}

async function storeOne(database: Database): Promise<void> {
  const batch = { logId: LOG_ID, logPartition: 0, events: [event()], deadLetters: [] };
  assert.equal((await database.events.store(batch)).stored, 1);
}

async function value(database: Database, sql: string): Promise<string | null | undefined> {
  return (await database.query(sql)).rows[0]?.[0];
}

const countEvents = (database: Database) => value(database, 'select count(*) from events');

async function takePort(t: TestContext, port: number): Promise<Server> {
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return server;
}

/** A Kero process of its own with a running embedded server; resolves to it and to the pid of the server. */
async function startProgram(t: TestContext, directory: string): Promise<{ child: ChildProcess; serverPid: number }> {
  const child = spawn(process.execPath, [PROGRAM, directory], { detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  for await (const line of createInterface({ input: child.stdout })) {
    const [, pid] = /^server (\d+)$/.exec(line) ?? [];
    if (pid !== undefined) return { child, serverPid: Number(pid) };
  }
  throw new Error('the program ended');
}

function refusal(code: string, ...texts: RegExp[]): (error: unknown) => true {
  return (error) => {
    assert.ok(isKeroError(error, code), String(error));
    for (const text of texts) assert.match(`${error.message}\n${error.remedy}`, text);
    return true;
  };
}

describe('the embedded server', { concurrency: false }, () => {
  test('keeps rows, port and generated password from one start to the next, and stops with the database', async (t) => {
    const config = configOf(newFolder(t));
    await withDatabase(config, storeOne);
    const first = embeddedConnection(config);
    assert.ok(await isPortFree(first.port), 'the server has stopped');
    const secrets = ['server.json', 'pgpass'].map((name) => join(config.directory, name));
    const before = secrets.map((file) => readFileSync(file, 'utf8'));
    await withDatabase(config, async (database) => assert.equal(await countEvents(database), '1'));
    assert.deepEqual(embeddedConnection(config), first);
    assert.deepEqual(
      secrets.map((file) => readFileSync(file, 'utf8')),
      before,
    );
    for (const file of secrets) assert.equal(statSync(file).mode & 0o777, 0o600, file);
    assert.ok((JSON.parse(before[0]!) as { password: string }).password.length >= 24);
  });

  test('listens on the loopback address only, and asks for the password', async (t) => {
    const config = configOf(newFolder(t));
    await withDatabase(config, async (database) => {
      assert.equal(await value(database, 'show listen_addresses'), '127.0.0.1');
      assert.equal(await value(database, 'show unix_socket_directories'), '');
      const methods = await database.query(`select distinct auth_method from pg_hba_file_rules`);
      assert.deepEqual(methods.rows, [['scram-sha-256']]);
      assert.equal(await value(database, 'show fsync'), 'on');
      assert.equal(await value(database, 'show synchronous_commit'), 'on');
      assert.equal(await value(database, 'show data_checksums'), 'on');
    });
  });

  test('another process cannot start it a second time, but can use it for statements', async (t) => {
    const config = configOf(newFolder(t));
    await withDatabase(config, async () => {
      await assert.rejects(
        openDatabase(config, options),
        refusal('folder_in_use', new RegExp(`process ${process.pid}`)),
      );
      const other = await connectDatabase(config, options);
      assert.equal(await countEvents(other), '0');
      await other.close();
      const third = await connectDatabase(config, options);
      assert.equal(await countEvents(third), '0', 'closing the second one has not stopped the server');
      await third.close();
    });
    const alone = await connectDatabase(config, options);
    assert.equal(await countEvents(alone), '0', 'when it does not run it is started for the statement');
    await alone.close();
    assert.ok(await isPortFree(embeddedConnection(config).port));
  });

  test('takes another port when somebody else has the one that it kept', async (t) => {
    const config = configOf(newFolder(t));
    await withDatabase(config, storeOne);
    const kept = embeddedConnection(config).port;
    await takePort(t, kept);
    await withDatabase(config, async (database) => assert.equal(await countEvents(database), '1'));
    assert.notEqual(embeddedConnection(config).port, kept);
  });

  test('says so when the port that was asked for is taken', async (t) => {
    const { port } = (await takePort(t, 0)).address() as { port: number };
    const config = configOf(newFolder(t), { port });
    const told = refusal('embedded_server_failed', new RegExp(`port ${port} .* taken`), /POSTGRES_PORT/);
    await assert.rejects(openDatabase(config, options), told);
    await withDatabase({ ...config, port: undefined }, storeOne);
  });

  test('listens on the port that was asked for', async (t) => {
    const server = await takePort(t, 0);
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    const config = configOf(newFolder(t), { port });
    await withDatabase(config, async (database) => assert.equal(await value(database, 'show port'), String(port)));
    assert.equal(embeddedConnection(config).port, port);
  });

  test('role, password and database may change between two starts', async (t) => {
    const directory = newFolder(t);
    await withDatabase(configOf(directory), storeOne);
    const password = 'p:a\\s\'s"w ö%s';
    await withDatabase(configOf(directory, { password }), async (database) =>
      assert.equal(await countEvents(database), '1'),
    );
    assert.match(readFileSync(join(directory, 'pgpass'), 'utf8'), /^127\.0\.0\.1:\d+:\*:kero:p\\:a\\\\s's"w ö%s\n$/);
    await withDatabase(configOf(directory, { user: 'An "other"', password: 'x' }), async (database) => {
      assert.equal(await value(database, 'select current_user'), 'An "other"');
      assert.equal(await countEvents(database), '1');
      await storeOne(database);
    });
    await withDatabase(configOf(directory, { database: 'another' }), async (database) =>
      assert.equal(await countEvents(database), '0'),
    );
    await withDatabase(configOf(directory), async (database) => assert.equal(await countEvents(database), '2'));
  });

  test('starts although server.json was lost or the password was changed in SQL', async (t) => {
    const config = configOf(newFolder(t));
    await withDatabase(config, storeOne);
    rmSync(join(config.directory, 'server.json'));
    await withDatabase(config, async (database) => {
      assert.equal(await countEvents(database), '1');
      await database.query(`alter role kero password 'changed'`);
    });
    await withDatabase(config, async (database) => assert.equal(await countEvents(database), '1'));
  });

  test('a making that was interrupted is done again', async (t) => {
    const config = configOf(newFolder(t));
    const unfinished = join(config.directory, 'data.new');
    mkdirSync(join(unfinished, 'base'), { recursive: true });
    writeFileSync(join(unfinished, 'PG_VERSION'), '18\n');
    writeFileSync(join(config.directory, 'initdb-password'), 'old');
    await withDatabase(config, storeOne);
    assert.deepEqual(
      readdirSync(config.directory).sort(),
      ['data', 'kero.lock', 'kero.pid', 'pgpass', 'server.json', 'server.log'],
      'nothing is left over',
    );
  });

  test('a folder that it did not make, or of another version, is left alone', async (t) => {
    const config = configOf(newFolder(t));
    const data = join(config.directory, 'data');
    mkdirSync(data, { recursive: true });
    writeFileSync(join(data, 'precious'), 'text');
    await assert.rejects(openDatabase(config, options), refusal('embedded_server_failed', /not a PostgreSQL cluster/));
    writeFileSync(join(data, 'PG_VERSION'), '17\n');
    await assert.rejects(openDatabase(config, options), refusal('embedded_server_failed', /PostgreSQL 17/, /pg_dump/));
    assert.equal(readFileSync(join(data, 'precious'), 'utf8'), 'text');
  });

  test('a folder that cannot be made is named', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'kero-embedded-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    writeFileSync(join(folder, 'file'), '');
    const directory = join(folder, 'file', 'postgres');
    await assert.rejects(openDatabase(configOf(directory), options), refusal('folder_unusable', /file\/postgres/));
  });

  test('a configuration that PostgreSQL does not start with is told, with the log file', async (t) => {
    const config = configOf(newFolder(t));
    await withDatabase(config, storeOne);
    const file = join(config.directory, 'data', 'postgresql.auto.conf');
    const good = readFileSync(file, 'utf8');
    writeFileSync(file, `${good}\nshared_buffers = 'nonsense'\n`);
    const told = refusal('embedded_server_failed', /shared_buffers/, /server\.log/);
    await assert.rejects(openDatabase(config, options), told);
    writeFileSync(file, good);
    await withDatabase(config, async (database) => assert.equal(await countEvents(database), '1'));
  });

  test('a server whose Kero was killed is stopped and started again, with all rows', async (t) => {
    const config = configOf(newFolder(t));
    const { child, serverPid: orphan } = await startProgram(t, config.directory);
    const other = await connectDatabase(config, options);
    await storeOne(other);
    await other.close();
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.equal(serverPid(join(config.directory, 'data')), orphan, 'the server has outlived its Kero');
    await withDatabase(config, async (database) => {
      assert.equal(await countEvents(database), '1');
      assert.notEqual(serverPid(join(config.directory, 'data')), orphan);
    });
  });

  test('a server that was killed together with its Kero recovers at the next start', async (t) => {
    const config = configOf(newFolder(t));
    const { child, serverPid: server } = await startProgram(t, config.directory);
    const other = await connectDatabase(config, options);
    await storeOne(other);
    await other.close();
    child.kill('SIGKILL');
    process.kill(server, 'SIGKILL');
    await once(child, 'exit');
    await withDatabase(config, async (database) => assert.equal(await countEvents(database), '1'));
  });

  test('a pid file whose number now belongs to another program does not keep it from starting', async (t) => {
    const config = configOf(newFolder(t));
    const { child, serverPid: server } = await startProgram(t, config.directory);
    child.kill('SIGKILL');
    process.kill(server, 'SIGKILL');
    await once(child, 'exit');
    const file = join(config.directory, 'data', 'postmaster.pid');
    const stranger = spawn('sleep', ['600']);
    t.after(() => stranger.kill());
    writeFileSync(file, readFileSync(file, 'utf8').replace(/^\d+/, String(stranger.pid)));
    await withDatabase(config, storeOne);
    assert.equal(stranger.exitCode, null, 'the other program was left alone');
  });

  for (const what of ['the password is the same', 'the password has changed']) {
    test(`a server that somebody made read-only is waited for, when ${what}`, async (t) => {
      const config = configOf(newFolder(t), { password: 'one' });
      await withDatabase(config, (database) => database.query('alter system set default_transaction_read_only = on'));
      const changed = { ...config, password: what.includes('changed') ? 'another' : 'one' };
      const waits: string[] = [];
      const logger = createLogger({
        ...{ level: 'warn', format: 'json', name: 'test' },
        destination: { write: (line) => void waits.push(line) },
      });
      const opening = openDatabase(changed, { logger, patienceMs: Number.POSITIVE_INFINITY });
      await waitUntil(() => waits.some((line) => line.includes('read-only')));
      const { host, port, user } = embeddedConnection(changed);
      const client = new pg.Client({ host, port, user, password: changed.password, database: 'postgres' });
      await client.connect();
      await client.query('alter system reset default_transaction_read_only');
      await client.query('select pg_reload_conf()');
      await client.end();
      const database = await opening;
      await storeOne(database).finally(() => database.close());
    });
  }

  test('Ctrl-C in the terminal does not reach the server', async (t) => {
    const config = configOf(newFolder(t));
    const { child, serverPid: server } = await startProgram(t, config.directory);
    const interrupted = once(child.stdout!, 'data');
    process.kill(-child.pid!, 'SIGINT');
    await interrupted;
    const other = await connectDatabase(config, options);
    await storeOne(other);
    await other.close();
    assert.equal(serverPid(join(config.directory, 'data')), server);
  });

  test('a killed server is started again under the same database, and nothing stored is lost', async (t) => {
    const config = configOf(newFolder(t));
    await withDatabase(config, async (database) => {
      const data = join(config.directory, 'data');
      const killed = serverPid(data);
      process.kill(killed!, 'SIGKILL');
      let stored = 0;
      // Until it was stored once by the new server; the old one's workers may still take an event or two.
      for (let restarted = false; !restarted; stored++) {
        restarted = ![undefined, killed].includes(serverPid(data));
        const batch = { logId: LOG_ID, logPartition: 0, events: [event()], deadLetters: [] };
        await waitUntil(async () => {
          try {
            return await database.events.store(batch);
          } catch (error) {
            assert.ok(isKeroError(error, 'database_unavailable'), String(error));
            return undefined;
          }
        });
      }
      assert.equal(await countEvents(database), String(stored));
      assert.deepEqual(database.health(), { up: true });
    });
  });

  test('closing twice, or while a statement runs, ends in a stopped server', async (t) => {
    const config = configOf(newFolder(t));
    const database = await openDatabase(config, options);
    const sleeping = database.query('select pg_sleep(600)').catch((error: unknown) => error);
    await waitUntil(
      async () =>
        (await value(database, `select count(*) from pg_stat_activity where query like 'select pg_sleep%'`)) === '1',
    );
    await Promise.all([database.close(), database.close()]);
    assert.ok(isKeroError(await sleeping));
    assert.equal(serverPid(join(config.directory, 'data')), undefined);
    await assert.rejects(database.events.store({ logId: LOG_ID, logPartition: 0, events: [event()], deadLetters: [] }));
  });
});
