import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { partitionForKey } from '../partition-for-key.ts';
import { encodeRecords } from './append-protocol.ts';
import { convertFormat1 } from './convert-log-file.ts';
import { logFile, readNumber } from './log-connection.ts';
import { embeddedConfig, GENEROUS, openLog, readAll, record, temporaryFolder } from './test-support.ts';

const LOG_ID = '0d6e9c1e-7b6f-4f0c-9f0e-3f1f5a1f2b3c';
const KEYS = [0, 1, 2, 3].map((partition) => {
  const names = Array.from({ length: 100 }, (_, n) => `user-${n}`);
  return names.find((name) => partitionForKey(Buffer.from(name), 4) === partition) ?? assert.fail();
});

/** A log as it was written before, with the records of offset 0 to 9 of some partitions, two a chunk, and what is left of them. */
function writeFormat1(directory: string, kept: Readonly<Record<number, number>>): void {
  using database = new DatabaseSync(logFile(directory));
  database.exec(`
    PRAGMA journal_mode = WAL;
    CREATE TABLE log (log_id TEXT NOT NULL, partitions INTEGER NOT NULL) STRICT;
    CREATE TABLE committed_offsets (
      group_id TEXT NOT NULL, partition INTEGER NOT NULL, next_offset INTEGER NOT NULL, PRIMARY KEY (group_id, partition)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE probe (id INTEGER PRIMARY KEY, filler BLOB NOT NULL) STRICT;
    INSERT INTO log VALUES ('${LOG_ID}', 4);
    PRAGMA user_version = 1;
  `);
  for (const [partition, key] of KEYS.entries()) {
    database.exec(`
      CREATE TABLE partition_${partition} (
        base_offset INTEGER PRIMARY KEY, record_count INTEGER NOT NULL, timestamp_ms INTEGER NOT NULL, payload BLOB NOT NULL
      ) STRICT;
    `);
    for (let offset = kept[partition] ?? 10; offset < 10; offset += 2) {
      const records = [offset, offset + 1].map((n) => record(key, `${partition}/${n}`));
      database
        .prepare(`INSERT INTO partition_${partition} VALUES (?, 2, ?, ?)`)
        .run(offset, 1000 + 10 * offset + partition, encodeRecords(records));
    }
  }
}

test('a log of format 1 is converted: records, offsets, times, commits and identity stay', {
  timeout: 30_000,
}, async (t) => {
  const directory = await temporaryFolder(t);
  // Of partition 0 all is there, of 1 the beginning was trimmed, 2 never had a record.
  writeFormat1(directory, { 0: 0, 1: 6, 3: 2 });
  {
    using database = new DatabaseSync(logFile(directory));
    database.exec(`INSERT INTO committed_offsets VALUES ('g', 0, 3), ('g', 1, 6), ('g', 2, 0), ('g', 3, 10)`);
  }
  const config = embeddedConfig(directory);
  await using log = await openLog(config);
  const ofGroup = await readAll(log, { expected: 11 });
  assert.deepEqual(
    ofGroup.map(({ value }) => String(value)).sort(),
    ['0/3', '0/4', '0/5', '0/6', '0/7', '0/8', '0/9', '1/6', '1/7', '1/8', '1/9'].sort(),
  );
  const last = ofGroup.find(({ value }) => String(value) === '1/9');
  assert.deepEqual([last?.offset, last?.timestampMs], [9n, 1081]);
  assert.equal((await readAll(log, { groupId: 'new', expected: 22 })).length, 22);
  await (await log.producer()).append(
    KEYS.map((key) => record(key, 'next')),
    GENEROUS,
  );
  const next = await readAll(log, { expected: 4 });
  assert.deepEqual(next.map(({ offset }) => Number(offset)).sort(), [0, 10, 10, 10]);
  using database = new DatabaseSync(logFile(directory));
  assert.equal(database.prepare('SELECT log_id FROM log').get()?.log_id, LOG_ID);
});

test('a conversion that does not get through leaves format 1 as it was', { timeout: 30_000 }, async (t) => {
  const directory = await temporaryFolder(t);
  writeFormat1(directory, { 0: 0, 1: 0, 2: 0, 3: 0 });
  {
    using database = new DatabaseSync(logFile(directory));
    database.exec(`PRAGMA max_page_count = ${readNumber(database, 'PRAGMA page_count')}`);
    assert.throws(() => convertFormat1(database), /full/);
    assert.equal(readNumber(database, 'PRAGMA user_version'), 1);
    assert.equal(readNumber(database, 'SELECT count(*) FROM partition_3'), 5);
  }
  await using log = await openLog(embeddedConfig(directory));
  assert.equal((await readAll(log, { expected: 40 })).length, 40);
});
