import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, type TestContext, test } from 'node:test';
import { createLogger, isKeroError } from '@kero/runtime';
import { openOffsetAdmin, type PartitionPosition } from '../offset-admin.ts';
import { partitionForKey } from '../partition-for-key.ts';
import { logFile } from './log-connection.ts';
import { embeddedConfig, GENEROUS, openLog, readAll, record, temporaryFolder } from './test-support.ts';

const context = { logger: createLogger({ name: 'test', level: 'silent', format: 'json' }) };
const KEY = 'user-1';
const PARTITION = partitionForKey(Buffer.from(KEY), 4);

async function setUp(t: TestContext) {
  const config = embeddedConfig(await temporaryFolder(t));
  const admin = await openLog(config).then(async (log) => {
    await log.close();
    return openOffsetAdmin(config, 'g', context);
  });
  t.after(() => admin.close());
  const position = async () => (await admin.positions())[PARTITION] ?? assert.fail();
  const sql = (text: string) => {
    using database = new DatabaseSync(logFile(config.directory));
    database.exec(text);
  };
  return { config, admin, position, sql };
}

function shown({ logStart, logEnd, committed }: PartitionPosition): unknown[] {
  return [logStart, logEnd, committed];
}

describe('where a group stands in an embedded log', { timeout: 60_000 }, () => {
  test('is read beside the process that runs it: nothing yet, appended, committed', async (t) => {
    const { config, admin, position } = await setUp(t);
    assert.deepEqual(shown(await position()), [0n, 0n, undefined]);
    await using log = await openLog(config);
    const producer = await log.producer();
    await producer.append([record(KEY, 'a'), record(KEY, 'b')], GENEROUS);
    assert.deepEqual(shown(await position()), [0n, 2n, undefined]);
    await readAll(log, { expected: 2 });
    assert.deepEqual(shown(await position()), [0n, 2n, 2n]);
    assert.deepEqual(
      (await admin.positions()).map(({ partition }) => partition),
      [0, 1, 2, 3],
    );
  });

  test('a gap is skipped up to the log start, and reading goes on there', async (t) => {
    const { config, admin, position, sql } = await setUp(t);
    {
      await using log = await openLog(config);
      const producer = await log.producer();
      for (const value of ['a', 'b', 'c']) await producer.append([record(KEY, value)], GENEROUS);
      await readAll(log, { expected: 1, commit: false });
      await assert.rejects(admin.skipGap(PARTITION, 0n), (error) => isKeroError(error, 'folder_in_use'));
    }
    sql(`DELETE FROM appends WHERE base_${PARTITION} < 2`);
    assert.deepEqual(shown(await position()), [2n, 3n, 0n]);
    assert.equal((await admin.skipGap(PARTITION, 1n)).skipped, false, 'another gap than the one that was shown');
    assert.deepEqual(shown(await position()), [2n, 3n, 0n]);
    assert.deepEqual(await admin.skipGap(PARTITION, 0n), { skipped: true, from: 0n, to: 2n });
    assert.deepEqual(shown(await position()), [2n, 3n, 2n]);
    assert.equal((await admin.skipGap(PARTITION, 2n)).skipped, false, 'there is no gap any more');
    await using log = await openLog(config);
    assert.deepEqual(
      (await readAll(log, { expected: 1 })).map(({ value }) => String(value)),
      ['c'],
    );
  });

  test('a folder without a log is an error', async (t) => {
    const config = embeddedConfig(join(await temporaryFolder(t), 'messaging'));
    await assert.rejects(openOffsetAdmin(config, 'g', context), (error) => isKeroError(error, 'log_unusable'));
  });
});
