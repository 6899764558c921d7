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

test('a group that is not used while another is, is forgotten after the retention; the time counts across starts', async (t) => {
  const directory = await temporaryFolder(t);
  const config = embeddedConfig(directory, { retentionMs: 3 * HOUR_MS });
  const clock = { now: Date.parse('2026-01-01T00:00:00Z') };
  const tuning = { now: () => clock.now, trimIntervalMs: 10 };
  const groups = (table: string) => {
    using database = openForReading(logFile(directory));
    const exists = database.prepare('SELECT 1 FROM sqlite_schema WHERE name = ?').get(table);
    return exists
      ? database
          .prepare(`SELECT DISTINCT group_id FROM ${table}`)
          .all()
          .map((row) => row.group_id)
      : [];
  };
  const idleMs = () => {
    using database = openForReading(logFile(directory));
    return Number(database.prepare('SELECT sum(idle_ms) AS ms FROM idle_groups').get()?.ms ?? 0);
  };
  const chunks = () => {
    using database = openForReading(logFile(directory));
    return [0, 1, 2, 3].flatMap((partition) => database.prepare(`SELECT 1 FROM partition_${partition}`).all()).length;
  };
  {
    await using log = await openLog(config, tuning);
    await log.consumer('old');
    clock.now += 100 * HOUR_MS;
    // Trimming goes on, and nobody takes the place of the group: it stays.
    await until(() => groups('committed_offsets').includes('old'), 'the group is written down');
  }
  {
    await using log = await openLog(config, tuning);
    const producer = await log.producer();
    for (let n = 0; n < 20; n++) await producer.append([record('k', `v-${n}`)], GENEROUS);
    await readAll(log, { groupId: 'new', expected: 20 });
    await until(() => groups('idle_groups').includes('old'), 'the old group is known to be idle');
    clock.now += 2 * HOUR_MS;
    await until(() => idleMs() === 2 * HOUR_MS, 'its time is counted');
    assert.deepEqual(groups('committed_offsets').sort(), ['new', 'old']);
  }
  clock.now += 100 * HOUR_MS;
  await using log = await openLog(config, tuning);
  await log.consumer('new');
  await until(() => groups('idle_groups').length === 1, 'the group is idle still');
  assert.equal(idleMs(), 2 * HOUR_MS, 'the time in which nothing ran does not count');
  assert.ok(chunks() > 1, 'as long as it is known, its records stay');
  clock.now += HOUR_MS + 1;
  await until(() => groups('committed_offsets').length === 1, 'it is forgotten');
  await until(() => chunks() === 1, 'and what it had not read is deleted');
  assert.deepEqual(groups('idle_groups'), []);
});
