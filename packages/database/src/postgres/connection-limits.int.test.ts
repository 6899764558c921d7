import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { isKeroError, type Logger } from '@kero/runtime';
import type pg from 'pg';
import {
  type OwnPostgresServer,
  silentLogger,
  startPostgresServer,
} from '../../../../test/support/postgres/postgres-server.ts';
import { waitUntil } from '../../../../test/support/wait-until.ts';
import { counts, countsOf, event, LOG_ID } from '../contract/store-under-test.contract.ts';
import type { PostgresConfig } from '../database-settings.ts';
import { connectWritable, noLimits } from './client.ts';
import { openPostgres } from './postgres-database.ts';

let server: OwnPostgresServer;
let remove: () => Promise<void>;
before(async () => {
  ({ server, remove } = await startPostgresServer());
  await server.run('alter system set max_connections = 10');
  await server.stop();
  await server.start();
});
after(() => remove());

async function openWarnings(config: PostgresConfig): Promise<string[]> {
  const warnings: string[] = [];
  const logger = { ...silentLogger, debug: () => {}, info: () => {}, warn: (line: string) => warnings.push(line) };
  const database = await openPostgres(config, { logger: logger as unknown as Logger });
  await database.close();
  return warnings;
}

/** Takes connections until the server has none left. */
async function takeAll(t: TestContext): Promise<{ release: (n?: number) => Promise<void> }> {
  const taken: pg.Client[] = [];
  const release = async (n = taken.length) => {
    await Promise.all(taken.splice(0, n).map((client) => client.end()));
  };
  t.after(() => release());
  for (;;) {
    try {
      const { client } = await connectWritable(server.config('postgres'), noLimits);
      taken.push(client);
    } catch (error) {
      assert.match(String(error), /53300/);
      return { release };
    }
  }
}

describe('a server with few connections', { concurrency: false, timeout: 120_000 }, () => {
  test('a process that may need more than are left is told so at the start, with numbers and the way out', async (t) => {
    const config = await server.newDatabase(t);
    assert.deepEqual(await openWarnings({ ...config, maxConnections: 4 }), []);
    const [warning, ...more] = await openWarnings({ ...config, maxConnections: 12 });
    assert.deepEqual(more, []);
    assert.match(
      warning ?? '',
      /may open 13 connections .* (8|9|10) left .*max_connections 10, .*PROCESSOR_CONNECTIONS/,
    );
  });

  test('connections that are reserved for superusers, and limits of the role, count', async (t) => {
    await server.run(`create role few login password 'few' connection limit 2`);
    const config = await server.newDatabase(t);
    t.after(() => server.run('drop role few'));
    await openPostgres(config, { logger: silentLogger }).then((database) => database.close());
    await server.run('grant select on kero_migrations to few', config.database);
    const few = { ...config, user: 'few', password: 'few', migrate: false };
    const [tooMany] = await openWarnings({ ...few, maxConnections: 8 });
    assert.match(tooMany ?? '', /may open 9 connections .* [567] left .*3 of them reserved/);
    const [limited] = await openWarnings({ ...few, maxConnections: 3 });
    assert.match(limited ?? '', /may open 4 connections .* its role has a connection limit of 2/);
    assert.deepEqual(await openWarnings({ ...few, maxConnections: 1 }), []);
  });

  test('connections that others hold count too, whoever they are', async (t) => {
    const config = await server.newDatabase(t);
    const others = await takeAll(t);
    await others.release(7);
    const [warning] = await waitUntil(async () => {
      const warnings = await openWarnings({ ...config, maxConnections: 7 }).catch(() => []);
      return warnings.length > 0 && warnings;
    });
    assert.match(warning ?? '', /may open 8 connections .* [67] left .* [34] taken by others/);
  });

  test('while others have taken every connection, batches are refused as retryable; later they go in', async (t) => {
    const database = await openPostgres(await server.newDatabase(t), { logger: silentLogger });
    t.after(() => database.close());
    const others = await takeAll(t);
    const batch = { logId: LOG_ID, logPartition: 0, events: [event()], deadLetters: [] };
    for (let attempt = 0; attempt < 3; attempt++) {
      await assert.rejects(database.events.store(batch), (error) => {
        assert.ok(isKeroError(error, 'database_unavailable') && error.retryable, String(error));
        assert.match(error.message, /every connection of the server is taken/);
        return true;
      });
    }
    assert.equal(database.health().up, false);
    await others.release();
    const result = await waitUntil(() => database.events.store(batch).catch(() => undefined));
    assert.deepEqual(countsOf(result), counts({ stored: 1 }));
    assert.deepEqual((await database.query('select count(*) from dead_letters')).rows, [['0']]);
  });
});
