import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isKeroError } from '@kero/runtime';
import { silentLogger, startPostgresServer } from '../../../../test/support/postgres/postgres-server.ts';
import { mountSmallDisk } from '../../../../test/support/small-disk.ts';
import { waitUntil } from '../../../../test/support/wait-until.ts';
import { event, LOG_ID, letter } from '../contract/store-under-test.contract.ts';
import type { StoreBatch } from '../event-store.ts';
import { openPostgres } from './postgres-database.ts';

const PER_BATCH = 200;

test('a full disk of the server is an outage: nothing becomes a dead letter, and it goes on when there is room', {
  timeout: 180_000,
}, async (t) => {
  await using cleanup = new AsyncDisposableStack();
  const disk = await mountSmallDisk(t, cleanup, 160);
  if (disk === undefined) return;
  const folder = join(disk.path, 'server');
  mkdirSync(folder, { mode: 0o700 });
  const { server, remove } = await startPostgresServer(folder);
  cleanup.defer(remove);
  const database = await openPostgres(await server.newDatabase(t), { logger: silentLogger });
  cleanup.defer(() => database.close());

  const newBatch = (): StoreBatch => ({
    logId: LOG_ID,
    logPartition: 0,
    events: Array.from({ length: PER_BATCH }, () => event({ data: `{"text":"${'x'.repeat(1_500)}"}` })),
    deadLetters: [letter()],
  });
  let stored = 0;
  const store = async (batch: StoreBatch): Promise<string | undefined> => {
    try {
      const result = await database.events.store(batch);
      stored += result.stored + result.redelivered + (result.deadLetters.get('not_an_event') ?? 0);
      return undefined;
    } catch (error) {
      assert.ok(isKeroError(error, 'database_unavailable') && error.retryable, String(error));
      return error.message;
    }
  };
  await store(newBatch());
  disk.fill();
  let refused: { batch: StoreBatch; message: string } | undefined;
  while (refused === undefined) {
    const batch = newBatch();
    const message = await store(batch);
    if (message !== undefined) refused = { batch, message };
  }
  t.diagnostic(refused.message);
  for (let attempt = 0; attempt < 5; attempt++) await store(refused.batch);
  assert.equal(database.health().up, false);

  disk.free();
  // Where the write-ahead log found no room the server has stopped itself; whoever runs it starts it again.
  if (server.pid === undefined) await server.start();
  const { batch } = refused;
  await waitUntil(async () => (await store(batch)) === undefined, { timeoutMs: 60_000 });
  const [row] = (await database.query('select (select count(*) from events), (select count(*) from dead_letters)'))
    .rows;
  const batches = stored / (PER_BATCH + 1);
  assert.deepEqual(row, [String(batches * PER_BATCH), String(batches)]);
});
