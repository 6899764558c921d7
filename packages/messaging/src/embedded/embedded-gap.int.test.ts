import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../contract/log-under-test.contract.ts';
import type { Messaging } from '../messaging.ts';
import { partitionForKey } from '../partition-for-key.ts';
import { logFile, openForWriting } from './log-connection.ts';
import { embeddedConfig, GENEROUS, openLog, readAll, record, temporaryFolder } from './test-support.ts';

const PARTITION = partitionForKey(Buffer.from('k'), 4);
const OTHER_KEY = ['a', 'b', 'c', 'd', 'e'].find((key) => partitionForKey(Buffer.from(key), 4) !== PARTITION) ?? '';

/** A log with offsets 0 to 9 of one partition, a chunk each, that the group has read up to 3; and what the SQL does to it. */
async function damagedLog(directory: string, sql: string): Promise<Messaging & AsyncDisposable> {
  const config = embeddedConfig(directory);
  {
    await using log = await openLog(config);
    const producer = await log.producer();
    for (let n = 0; n < 10; n++) await producer.append([record('k', `v-${n}`)], GENEROUS);
    const consumer = await log.consumer('g');
    for await (const batch of consumer.read({ stop: new AbortController().signal, maxRecords: 3, maxBytes: 1 << 20 })) {
      batch.commit();
      break;
    }
  }
  {
    using database = openForWriting(logFile(directory));
    database.exec(sql);
  }
  return openLog(config);
}

/** Reads until the consumer says that it is down; returns what came. */
async function readUntilDown(log: Messaging): Promise<{ readonly values: string[]; readonly reason: string }> {
  const consumer = await log.consumer('g');
  const stop = new AbortController();
  const values: string[] = [];
  const reading = (async () => {
    for await (const batch of consumer.read({ stop: stop.signal, maxRecords: 100, maxBytes: 1 << 20 })) {
      values.push(...batch.records.map(({ value }) => String(value)));
      batch.commit();
    }
  })();
  await until(() => !consumer.health().up, 'the consumer is down');
  // The other partitions go on.
  await (await log.producer()).append([record(OTHER_KEY, 'other')], GENEROUS);
  await until(() => values.includes('other'), 'another partition is read');
  stop.abort();
  await reading;
  const health = consumer.health();
  await consumer.close();
  return { values, reason: health.up ? '' : health.reason };
}

test('a partition whose next records are gone stands still, says so, and the others go on', async (t) => {
  const directory = await temporaryFolder(t);
  await using log = await damagedLog(directory, `DELETE FROM appends WHERE base_${PARTITION} < 6`);
  const { values, reason } = await readUntilDown(log);
  assert.deepEqual(values, ['other']);
  assert.match(reason, new RegExp(`partition ${PARTITION} .* offsets from 3 up to 6 are gone`));
});

test('a gap further on stops the partition where it begins', async (t) => {
  const directory = await temporaryFolder(t);
  await using log = await damagedLog(directory, `DELETE FROM appends WHERE base_${PARTITION} IN (6, 7)`);
  const { values, reason } = await readUntilDown(log);
  assert.deepEqual(values, ['v-3', 'v-4', 'v-5', 'other']);
  assert.match(reason, /offsets from 6 up to 8 are gone/);
});

test('a group that is further than the log stands still instead of skipping what comes', async (t) => {
  const directory = await temporaryFolder(t);
  await using log = await damagedLog(
    directory,
    `UPDATE committed_offsets SET next_offset = 12 WHERE partition = ${PARTITION}`,
  );
  const { values, reason } = await readUntilDown(log);
  assert.deepEqual(values, ['other']);
  assert.match(reason, /offset 12 is to be read next, but the log ends at 10/);
});

test('a new group on a log whose beginning was trimmed is no gap', async (t) => {
  const directory = await temporaryFolder(t);
  await using log = await damagedLog(directory, `DELETE FROM appends WHERE base_${PARTITION} < 6`);
  const read = await readAll(log, { groupId: 'new', expected: 4 });
  assert.equal(read[0]?.offset, 6n);
});
