import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../contract/log-under-test.contract.ts';
import type { Consumer } from '../messaging.ts';
import { logFile, openForReading, openForWriting } from './log-connection.ts';
import { embeddedConfig, GENEROUS, openLog, record, temporaryFolder } from './test-support.ts';

test('a commit is durable soon, without a close', async (t) => {
  const config = embeddedConfig(await temporaryFolder(t));
  await using log = await openLog(config);
  await (await log.producer()).append([record('k', 'a'), record('k', 'b')], GENEROUS);
  await commitOneBatch(await log.consumer('g'));
  const began = performance.now();
  await until(() => committedInFile(config.directory) === 2, 'the offset is in the file');
  const tookMs = performance.now() - began;
  assert.ok(tookMs < 2000, `${tookMs} ms`);
});

test('a closed consumer has its commits in the file', async (t) => {
  const config = embeddedConfig(await temporaryFolder(t));
  await using log = await openLog(config);
  await (await log.producer()).append([record('k', 'a'), record('k', 'b'), record('k', 'c')], GENEROUS);
  const consumer = await log.consumer('g');
  await commitOneBatch(consumer);
  await consumer.close();
  assert.equal(committedInFile(config.directory), 3);
});

test('a commit that the disk refused is written when the disk is back, with nothing else to write', async (t) => {
  const config = embeddedConfig(await temporaryFolder(t));
  await using log = await openLog(config);
  const producer = await log.producer();
  await producer.append([record('k', 'a')], GENEROUS);
  const consumer = await log.consumer('g');
  await until(() => committedInFile(config.directory) === 0, 'the new group is in the file');
  {
    using blocker = openForWriting(logFile(config.directory));
    blocker.exec('BEGIN IMMEDIATE');
    await commitOneBatch(consumer);
    await until(() => !producer.health().up, 'the write was refused');
  }
  await until(() => committedInFile(config.directory) === 1, 'the offset is in the file');
});

async function commitOneBatch(consumer: Consumer): Promise<void> {
  const stop = new AbortController();
  for await (const batch of consumer.read({ stop: stop.signal, maxRecords: 10, maxBytes: 1000 })) {
    batch.commit();
    stop.abort();
  }
}

function committedInFile(directory: string): unknown {
  using database = openForReading(logFile(directory));
  return database.prepare('SELECT max(next_offset) AS committed FROM committed_offsets').get()?.committed;
}
