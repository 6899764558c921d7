import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { test } from 'node:test';
import { anyPostgresServer, silentLogger } from '../../../test/support/postgres/postgres-server.ts';
import { openDatabase } from './open-database.ts';
import { SNAPSHOT_FILE, schemaSnapshot } from './schema-snapshot.ts';

test('the migrations make the schema that is written down in schema.snapshot.sql', async (t) => {
  const { server, remove } = await anyPostgresServer();
  t.after(remove);
  const database = await openDatabase(await server.newDatabase(t), { logger: silentLogger });
  const made = await schemaSnapshot(database);
  await database.close();
  if (process.env.UPDATE_SCHEMA_SNAPSHOT === 'true') writeFileSync(SNAPSHOT_FILE, made);
  const how = 'run `UPDATE_SCHEMA_SNAPSHOT=true npm run test:int` and commit packages/database/schema.snapshot.sql';
  assert.equal(made, readFileSync(SNAPSHOT_FILE, 'utf8'), `the schema changed; if it was meant to, ${how}`);
});
