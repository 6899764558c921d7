import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import {
  anyPostgresServer,
  type PostgresServer,
  silentLogger,
} from '../../../../test/support/postgres/postgres-server.ts';
import { again, event, LOG_ID, SOME_TIME } from '../contract/store-under-test.contract.ts';
import { eventStoreContract } from '../event-store.contract.ts';
import type { Database, StoreBatch } from '../event-store.ts';
import { openDatabase } from '../open-database.ts';

let server: PostgresServer;
let remove: () => Promise<void>;
before(async () => {
  ({ server, remove } = await anyPostgresServer());
});
after(() => remove());

const options = { logger: silentLogger };
eventStoreContract('postgres', async (t) => openDatabase(await server.newDatabase(t), options));
eventStoreContract('postgres, of which two processes write by turns,', twoByTurns);

test('a repeat of what this process has stored lately refuses nothing, in a batch of its own and in company', async (t) => {
  const database = await openDatabase(await server.newDatabase(t), options);
  t.after(() => database.close());
  const known = event({ timestampMicros: SOME_TIME + 1000 });
  const batch = (logPartition: number, events: StoreBatch['events']) =>
    ({ logId: LOG_ID, logPartition, events, deadLetters: [] }) satisfies StoreBatch;
  await database.events.store(batch(0, [known]));
  await database.events.store(batch(0, [event(), again(known)]));
  await database.events.storeTogether([batch(0, [event()]), batch(1, [again(known)])]);
  // A row that was copied in vain leaves its place empty.
  const { rows } = await database.query('select ctid from events order by ctid');
  assert.deepEqual(rows, [['(0,1)'], ['(0,2)'], ['(0,3)']]);
});

/** What one of them has stored, the other one has not met before. */
async function twoByTurns(t: TestContext): Promise<Database> {
  const config = await server.newDatabase(t);
  const database = await openDatabase(config, options);
  const other = await openDatabase(config, options);
  let calls = 0;
  const next = () => (calls++ % 2 === 0 ? database : other).events;
  return {
    ...{ description: database.description, deadLetters: database.deadLetters },
    ...{ audit: database.audit, retention: database.retention },
    events: {
      store: (batch) => next().store(batch),
      storeTogether: (batches) => next().storeTogether(batches),
    },
    query: (sql) => database.query(sql),
    health: () => database.health(),
    close: async () => {
      await Promise.all([database.close(), other.close()]);
    },
  };
}
