import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { isKeroError } from '@kero/runtime';
import { countUnstored } from './count-unstored.ts';
import { logFile, openForWriting } from './log-connection.ts';
import { embeddedConfig, GENEROUS, openLog, readAll, record, temporaryFolder } from './test-support.ts';

test('a second start on the same folder names the process that owns it, and works after that has closed', async (t) => {
  const config = embeddedConfig(await temporaryFolder(t));
  const first = await openLog(config);
  await assert.rejects(openLog(config), (error) => {
    assert.ok(isKeroError(error, 'folder_in_use'));
    assert.match(error.message, new RegExp(`process ${process.pid}`));
    return true;
  });
  await first.close();
  await using second = await openLog(config);
  assert.match(second.description, /4 partitions/);
});

test('a file of a newer format is refused and left alone', async (t) => {
  const config = embeddedConfig(await temporaryFolder(t));
  await (await openLog(config)).close();
  const setVersion = (version: number) => {
    using database = openForWriting(logFile(config.directory));
    database.exec(`PRAGMA user_version = ${version}`);
  };
  setVersion(3);
  await assert.rejects(openLog(config), (error) => {
    assert.ok(isKeroError(error, 'log_unusable'));
    assert.match(error.message, /format 3/);
    assert.match(error.remedy, /newer version of Kero/);
    return true;
  });
  setVersion(2);
  await (await openLog(config)).close();
});

test('a file that is no log is refused with its name', async (t) => {
  const config = embeddedConfig(await temporaryFolder(t));
  writeFileSync(
    logFile(config.directory),
    'this is a text file, and it is long enough to have a header of its own.\n'.repeat(20),
  );
  await assert.rejects(openLog(config), (error) => {
    assert.ok(isKeroError(error, 'log_unusable'));
    assert.ok(error.message.includes(logFile(config.directory)), error.message);
    return true;
  });
});

test('a closed log leaves one file without a write-ahead log beside it', async (t) => {
  const config = embeddedConfig(await temporaryFolder(t));
  const log = await openLog(config);
  await (await log.producer()).append([record('k', 'v')], GENEROUS);
  await log.close();
  const { readdirSync } = await import('node:fs');
  assert.deepEqual(readdirSync(config.directory).sort(), ['kero.lock', 'kero.pid', 'log.sqlite']);
});

test('countUnstored tells how many records a group has not committed', async (t) => {
  const config = embeddedConfig(await temporaryFolder(t));
  assert.equal(countUnstored(config.directory, 'g'), 0, 'no log at all');
  {
    await using log = await openLog(config);
    const producer = await log.producer();
    await producer.append(
      Array.from({ length: 10 }, (_, n) => record(`user-${n}`, 'first')),
      GENEROUS,
    );
    await readAll(log, { groupId: 'g', expected: 10 });
    await producer.append(
      Array.from({ length: 7 }, () => record('user-1', 'second')),
      GENEROUS,
    );
    const consumer = await log.consumer('g');
    for await (const batch of consumer.read({ stop: new AbortController().signal, maxRecords: 3, maxBytes: 1000 })) {
      batch.commit(batch.records[1]?.offset);
      break;
    }
  }
  assert.equal(countUnstored(config.directory, 'g'), 6);
  assert.equal(countUnstored(config.directory, 'never seen'), 17);
  {
    await using log = await openLog(config);
    await readAll(log, { groupId: 'g', expected: 6 });
  }
  assert.equal(countUnstored(config.directory, 'g'), 0);
});
