import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Worker } from 'node:worker_threads';
import { until } from '../contract/log-under-test.contract.ts';
import type { Consumer, RecordBatch } from '../messaging.ts';
import { logFile, openForWriting } from './log-connection.ts';
import { embeddedConfig, failureCodes, GENEROUS, openLog, readAll, record, temporaryFolder } from './test-support.ts';
import { startWriterThread } from './writer-thread.ts';

test('a full disk fails appends as log_unavailable, and the log heals by itself when there is room again', async (t) => {
  const config = embeddedConfig(await temporaryFolder(t), { retentionMs: 0 });
  await using log = await openLog(config, { maxFileBytes: 4 << 20, trimIntervalMs: 50 });
  const producer = await log.producer();
  let stored = 0;
  let codes: string[] = [];
  while (codes.length === 0) {
    assert.ok(stored < 1000, 'the limit is reached');
    codes = await failureCodes(producer.append([record(`user-${stored}`, 'x'.repeat(100_000))], GENEROUS));
    if (codes.length === 0) stored++;
  }
  assert.deepEqual(codes, ['log_unavailable']);
  const health = producer.health();
  assert.ok(!health.up && /full/.test(health.reason), JSON.stringify(health));

  const read = await readAll(log, { expected: stored });
  assert.equal(read.length, stored, 'what was confirmed is there, what was refused is not');
  await until(() => producer.health().up, 'trimming has made room, and the log found out by itself');
  await producer.append([record('k', 'x'.repeat(100_000))], GENEROUS);
});

test('when the writer thread dies, appends fail at once or wait for its successor, and nothing confirmed is lost', async (t) => {
  const config = embeddedConfig(await temporaryFolder(t));
  const threads: Worker[] = [];
  await using log = await openLog(config, {
    startThread: (data) => {
      const thread = startWriterThread(data);
      threads.push(thread);
      return thread;
    },
  });
  const producer = await log.producer();
  const confirmed: string[] = [];
  let failed = 0;
  let sawDown = false;
  for (let n = 0; n < 600; n++) {
    // Not awaited: it ends somewhere in the middle of what follows.
    if (n % 200 === 100) void threads.at(-1)?.terminate();
    const appends = Array.from({ length: 5 }, async (_, part) => {
      const value = `${n}-${part}`;
      const codes = await failureCodes(producer.append([record('k', value)], GENEROUS));
      if (codes.length === 0) confirmed.push(value);
      else failed++;
      for (const code of codes) assert.equal(code, 'log_unavailable');
    });
    await Promise.all(appends);
    sawDown ||= !producer.health().up;
  }
  assert.equal(threads.length, 4);
  assert.ok(failed > 0 && sawDown, `some appends failed (${failed}) and the producer said so`);
  assert.deepEqual(producer.health(), { up: true });
  const values = (await readAll(log, { expected: confirmed.length })).map(({ value }) => String(value));
  const missing = confirmed.filter((value) => !values.includes(value));
  assert.deepEqual(missing, []);
});

test('a thread that cannot be started again leaves a clear state and no hanging call', async (t) => {
  const config = embeddedConfig(await temporaryFolder(t));
  const threads: Worker[] = [];
  await using log = await openLog(config, {
    startThread: (data) => {
      const thread = startWriterThread(threads.length === 0 ? data : { ...data, file: '/nowhere/log.sqlite' });
      threads.push(thread);
      return thread;
    },
  });
  const producer = await log.producer();
  await threads[0]?.terminate();
  await until(() => threads.length > 2, 'it was tried again');
  assert.deepEqual(await failureCodes(producer.append([record('k', 'v')], { deadlineMs: 200 })), ['log_unavailable']);
  const health = producer.health();
  assert.ok(!health.up && /writer/.test(health.reason), JSON.stringify(health));
});

test('a log that cannot start its writer does not open, and gives the folder back', async (t) => {
  const config = embeddedConfig(await temporaryFolder(t));
  const startThread = (data: Parameters<typeof startWriterThread>[0]) =>
    startWriterThread({ ...data, file: '/nowhere/log.sqlite' });
  await assert.rejects(openLog(config, { startThread }), { code: 'log_unusable' });
  await (await openLog(config)).close();
});

test('more than the queue takes is refused as log_overloaded while the disk stands still', async (t) => {
  const config = embeddedConfig(await temporaryFolder(t));
  await using log = await openLog(config, { maxQueuedBytes: 50_000 });
  const producer = await log.producer();
  await producer.append([record('k', 'before')], GENEROUS);
  using blocker = openForWriting(logFile(config.directory));
  blocker.exec('BEGIN IMMEDIATE');
  const appends = Array.from({ length: 20 }, () =>
    failureCodes(producer.append([record('k', 'x'.repeat(5000))], { deadlineMs: 500 })),
  );
  const codes = (await Promise.all(appends)).flat();
  const count = (code: string) => codes.filter((found) => found === code).length;
  assert.deepEqual([count('log_unavailable'), count('log_overloaded')], [9, 11]);
});

test('a disk that stands still does not hold up the event loop', async (t) => {
  const config = embeddedConfig(await temporaryFolder(t));
  await using log = await openLog(config);
  const producer = await log.producer();
  using blocker = openForWriting(logFile(config.directory));
  blocker.exec('BEGIN IMMEDIATE');
  const appending = failureCodes(producer.append([record('k', 'v')], { deadlineMs: 1000 }));
  let turns = 0;
  const timer = setInterval(() => turns++, 10);
  await appending;
  clearInterval(timer);
  // Without a thread it would be none: SQLite waits two seconds for a lock.
  assert.ok(turns > 20, `${turns} turns in a second`);
});

test('a batch larger than a group and records larger than a chunk pass whole and in order', async (t) => {
  await using log = await openLog(embeddedConfig(await temporaryFolder(t)));
  const producer = await log.producer();
  const values = Array.from({ length: 40 }, (_, n) => String(n).padStart(300_000, '.'));
  await producer.append(
    values.map((value) => record('k', value)),
    GENEROUS,
  );
  const read = await readAll(log, { expected: values.length });
  assert.deepEqual(
    read.map(({ value }) => String(value).replaceAll('.', '')),
    values.map((value) => value.replaceAll('.', '')),
  );
});

test('a consumer rides over a log that cannot be read for a while', async (t) => {
  const config = embeddedConfig(await temporaryFolder(t));
  await using log = await openLog(config);
  const producer = await log.producer();
  using other = openForWriting(logFile(config.directory));
  await producer.append([record('k', 'a')], GENEROUS);
  const consumer = await log.consumer('g');
  other.exec('ALTER TABLE appends RENAME TO out_of_reach');
  await assert.rejects(log.consumer('another'), { code: 'log_unavailable' });
  const reading = takeOne(consumer);
  await until(() => !consumer.health().up, 'the consumer says that it cannot read');
  other.exec('ALTER TABLE out_of_reach RENAME TO appends');
  const batch = await reading;
  assert.equal(String(batch.records[0]?.value), 'a');
  assert.deepEqual(consumer.health(), { up: true });
});

async function takeOne(consumer: Consumer): Promise<RecordBatch> {
  for await (const batch of consumer.read({ stop: new AbortController().signal, maxRecords: 10, maxBytes: 1000 })) {
    return batch;
  }
  return assert.fail('the reading ended');
}
