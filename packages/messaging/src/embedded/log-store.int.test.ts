import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { logFile, openForWriting } from './log-connection.ts';
import { prepareLogFile } from './log-file.ts';
import { LogStore } from './log-store.ts';
import type { OffsetCommit } from './log-writer-protocol.ts';
import { temporaryFolder } from './test-support.ts';

const NO_GROUP_HERE = [0, 1, 2, 3].map(() => Number.POSITIVE_INFINITY);

async function newStore(t: TestContext) {
  const directory = await temporaryFolder(t);
  const { partitions } = prepareLogFile(directory);
  const database = openForWriting(logFile(directory));
  t.after(() => database.close());
  const store = new LogStore(database, partitions);
  const write = (
    timestampMs: number,
    chunks: readonly [partition: number, recordCount: number][],
    commits: OffsetCommit[] = [],
  ) =>
    store.write({
      timestampMs,
      payload: new ArrayBuffer(8),
      chunks: chunks.map(([partition, recordCount]) => ({ partition, recordCount, start: 0, end: 8 })),
      commits,
      probe: false,
    });
  return {
    store,
    write,
    commit: (groupId: string, partition: number, nextOffset: number) =>
      write(0, [], [{ groupId, partition, nextOffset }]),
    trim: (storedBeforeMs: number, finishedBelow: readonly number[] = NO_GROUP_HERE) =>
      store.trimStep({ storedBeforeMs, finishedBelow }),
    chunks: (partition: number) =>
      database
        .prepare(`SELECT base_offset FROM partition_${partition} ORDER BY base_offset`)
        .all()
        .map((row) => row.base_offset),
    reopened: () => new LogStore(database, partitions),
  };
}

test('every partition counts its own offsets, and goes on counting after reopening', async (t) => {
  const { store, write, reopened } = await newStore(t);
  write(1, [
    [0, 3],
    [2, 1],
  ]);
  write(2, [[0, 2]]);
  assert.deepEqual(store.nextOffsets, [5, 0, 1, 0]);
  assert.deepEqual(reopened().nextOffsets, [5, 0, 1, 0]);
});

test('a write that fails leaves nothing behind, and its offsets are given again', async (t) => {
  const { store, write, chunks } = await newStore(t);
  write(1, [[0, 3]]);
  const commit = { groupId: 'g', partition: 0, nextOffset: 2 ** 70 };
  assert.throws(() => write(2, [[0, 1]], [commit]));
  assert.deepEqual(store.nextOffsets, [3, 0, 0, 0]);
  write(3, [[0, 1]]);
  assert.deepEqual(chunks(0), [0, 3]);
});

test('trimming deletes what is old and finished by every group', async (t) => {
  const { write, commit, trim, chunks } = await newStore(t);
  for (let time = 1; time <= 6; time++) write(time, [[0, 10]]);
  commit('quick', 0, 60);
  commit('slow', 0, 35);
  assert.equal(trim(3), false);
  assert.deepEqual(chunks(0), [20, 30, 40, 50], 'stored at 1 and 2; the one stored at 3 is young enough');
  trim(100);
  assert.deepEqual(chunks(0), [30, 40, 50], 'the chunk with offset 35 is not finished by the slow group');
});

test('trimming deletes nothing when there is no group', async (t) => {
  const { write, trim, chunks } = await newStore(t);
  for (let time = 1; time <= 3; time++) write(time, [[0, 10]]);
  trim(100);
  assert.deepEqual(chunks(0), [0, 10, 20]);
});

test('trimming deletes nothing under a group that is not in the file yet', async (t) => {
  const { write, commit, trim, chunks } = await newStore(t);
  for (let time = 1; time <= 3; time++) write(time, [[0, 10]]);
  commit('old', 0, 30);
  trim(100, [15, 0, 0, 0]);
  assert.deepEqual(chunks(0), [10, 20]);
});

test('what one transaction brought goes as a whole, and not before every partition in it is finished', async (t) => {
  const { write, commit, trim, chunks } = await newStore(t);
  for (let time = 1; time <= 3; time++) {
    write(time, [
      [0, 10],
      [1, 10],
    ]);
  }
  commit('g', 0, 30);
  commit('g', 1, 15);
  trim(100);
  assert.deepEqual(
    [chunks(0), chunks(1)],
    [
      [10, 20],
      [10, 20],
    ],
  );
});

test('a group that is too large for one chunk a partition keeps its order', async (t) => {
  const { write, store, chunks } = await newStore(t);
  write(1, [
    [0, 3],
    [0, 4],
    [1, 5],
    [1, 6],
    [1, 7],
    [3, 1],
  ]);
  assert.deepEqual([chunks(0), chunks(1), chunks(3)], [[0, 3], [0, 5, 11], [0]]);
  assert.deepEqual(store.nextOffsets, [7, 18, 0, 1]);
});

test('the last row stays, so offsets never start again', async (t) => {
  const { write, commit, trim, chunks, reopened } = await newStore(t);
  for (let time = 1; time <= 3; time++) write(time, [[1, 10]]);
  write(4, [[2, 5]]);
  commit('g', 1, 30);
  commit('g', 2, 5);
  trim(100);
  assert.deepEqual([chunks(1), chunks(2)], [[], [0]]);
  assert.deepEqual(reopened().nextOffsets, [0, 30, 5, 0]);
});

test('trimming goes in steps and says whether there is more to do', async (t) => {
  const { write, commit, trim, chunks } = await newStore(t);
  for (let time = 1; time <= 150; time++) write(time, [[3, 1]]);
  commit('g', 3, 150);
  assert.equal(trim(1000), true);
  assert.equal(chunks(3).length, 150 - 64);
  assert.equal(trim(1000), true);
  assert.equal(trim(1000), false);
  assert.deepEqual(chunks(3), [149]);
});
