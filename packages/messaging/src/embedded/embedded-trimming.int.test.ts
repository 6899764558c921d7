import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../contract/log-under-test.contract.ts';
import { logFile, openForReading } from './log-connection.ts';
import { embeddedConfig, GENEROUS, openLog, readAll, record, temporaryFolder } from './test-support.ts';

const HOUR_MS = 3_600_000;

test('an open log deletes what is finished and older than its retention, and goes on counting offsets', async (t) => {
  const directory = await temporaryFolder(t);
  const config = embeddedConfig(directory, { retentionMs: HOUR_MS });
  const clock = { now: Date.parse('2026-01-01T00:00:00Z') };
  const tuning = { now: () => clock.now, trimIntervalMs: 10 };
  const countChunks = () => {
    using database = openForReading(logFile(directory));
    const counts = [0, 1, 2, 3].map(
      (partition) => database.prepare(`SELECT 1 FROM partition_${partition}`).all().length,
    );
    return counts.reduce((sum, count) => sum + count);
  };
  {
    await using log = await openLog(config, tuning);
    const producer = await log.producer();
    for (let n = 0; n < 200; n++) await producer.append([record('k', `v-${n}`)], GENEROUS);
    await readAll(log, { expected: 200 });
    clock.now += HOUR_MS + 1;
    await until(() => countChunks() === 1, 'all but the last chunk are gone');
  }
  await using log = await openLog(config, tuning);
  await (await log.producer()).append([record('k', 'next')], GENEROUS);
  const [next] = await readAll(log, { expected: 1 });
  assert.equal(next?.offset, 200n);
  const left = await readAll(log, { groupId: 'new', expected: 1 });
  assert.ok((left[0]?.offset ?? 0n) >= 199n, 'a new group starts at the earliest record that is left');
});
