import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { logFile, openForReading, openForWriting } from './log-connection.ts';
import { prepareLogFile } from './log-file.ts';
import { LogReader } from './log-reader.ts';
import { LogStore } from './log-store.ts';
import { temporaryFolder } from './test-support.ts';

/** A log whose rows hold chunks of the given partitions, three records each. */
async function logWith(t: TestContext, rows: readonly (readonly number[])[]) {
  const directory = await temporaryFolder(t);
  const { partitions } = prepareLogFile(directory);
  const database = openForWriting(logFile(directory));
  t.after(() => database.close());
  const store = new LogStore(database, partitions);
  for (const [timestampMs, row] of rows.entries()) {
    const chunks = row.map((partition) => ({ partition, recordCount: 3, start: 0, end: 8 }));
    store.write({ timestampMs, payload: new ArrayBuffer(8), chunks, commits: [], probe: false });
  }
  const reader = new LogReader(openForReading(logFile(directory)), partitions);
  t.after(() => reader.close());
  return { database, reader };
}

/** Partition 0 has something in every row, 1 in some, 2 in two that are far apart, 3 in none. */
const ROWS = Array.from({ length: 200 }, (_, n) => [
  0,
  ...(n % 7 < 2 ? [1] : []),
  ...(n === 5 || n === 180 ? [2] : []),
]);

test('every offset is found in its chunk, from wherever the search begins', async (t) => {
  const { database, reader } = await logWith(t, ROWS);
  for (const partition of [0, 1, 2]) {
    const chunks = database
      .prepare(`SELECT base_offset, timestamp_ms FROM partition_${partition} ORDER BY base_offset`)
      .all();
    assert.ok(chunks.length >= 2);
    for (const { base_offset, timestamp_ms } of chunks) {
      const base = Number(base_offset);
      const seq = Number(timestamp_ms) + 1;
      for (const afterSeq of [0, 1, seq >> 1, seq - 2, seq - 1].filter((it) => it >= 0 && it < seq)) {
        const found = reader.chunkHolding(partition, base + 2, afterSeq);
        assert.deepEqual(
          [found?.seq, found?.baseOffset, found?.recordCount],
          [seq, base, 3],
          `${base} from ${afterSeq}`,
        );
      }
      assert.equal(reader.timeFrom(partition, base + 1), timestamp_ms);
    }
    const end = reader.logEnd(partition);
    assert.equal(end, chunks.length * 3);
    assert.equal(reader.chunkHolding(partition, end), undefined);
    assert.equal(reader.timeFrom(partition, end), undefined);
  }
  assert.equal(reader.chunkHolding(3, 0), undefined);
  assert.equal(reader.logEnd(3), 0);
});

test('where the offset is gone, the first chunk after it is found, also behind rows that hold nothing of the partition', async (t) => {
  const { database, reader } = await logWith(t, ROWS);
  database.exec('DELETE FROM appends WHERE seq <= 50');
  assert.equal(reader.chunkHolding(2, 0)?.baseOffset, 3);
  assert.equal(reader.timeFrom(2, 0), 180);
  assert.deepEqual([reader.logStart(0), reader.logStart(2), reader.logStart(3)], [150, 3, 0]);
});
