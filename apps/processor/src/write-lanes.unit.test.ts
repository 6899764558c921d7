import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { databaseError, type EventStore, type StoreBatch, type StoreResult } from '@kero/database';
import { isKeroError } from '@kero/runtime';
import { LOG_ID, modelEvent, modelLetter } from './test-support/model-store.ts';
import { settled } from './test-support/schedule.ts';
import { WriteLanes } from './write-lanes.ts';

interface Call {
  readonly partitions: number[];
  /** `left`: the partitions that are left out of it. */
  readonly end: (outcome: 'stored' | Error, left?: readonly number[]) => void;
}

/** A store whose calls end when and how the test says. */
function openEndedStore(): { store: EventStore; calls: Call[] } {
  const calls: Call[] = [];
  const call = (batches: readonly StoreBatch[]) =>
    new Promise<readonly (StoreResult | undefined)[]>((resolve, reject) => {
      const end: Call['end'] = (outcome, left = []) => {
        if (outcome instanceof Error) return reject(outcome);
        resolve(batches.map((it) => (left.includes(it.logPartition) ? undefined : resultOf(it.events.length))));
      };
      calls.push({ partitions: batches.map(({ logPartition }) => logPartition), end });
    });
  const store = async (batch: StoreBatch) => (await call([batch]))[0] ?? assert.fail();
  return { store: { store, storeTogether: call }, calls };
}

function resultOf(stored: number): StoreResult {
  return { stored, duplicates: 0, redelivered: 0, deadLetters: new Map() };
}

function batchOf(logPartition: number, { events = 2, letters = 0, bytes = 2 } = {}): StoreBatch {
  const data = JSON.stringify({ a: 'x'.repeat(bytes) });
  return {
    logId: LOG_ID,
    logPartition,
    events: Array.from({ length: events }, (_, n) => modelEvent(BigInt(n), { data })),
    deadLetters: Array.from({ length: letters }, (_, n) => modelLetter(BigInt(events + n))),
  };
}

function setUp({ lanes: count = 1, maxRecords = 5000 } = {}) {
  const { store, calls } = openEndedStore();
  const lanes = new WriteLanes(store, { lanes: count, maxRecords });
  const begun: number[] = [];
  const write = (batch: StoreBatch, { alone = false } = {}) => {
    const result = lanes.store(batch, { alone, onBegin: () => begun.push(batch.logPartition) });
    result.catch(() => {});
    return result;
  };
  /** What the store is doing now, or has done: the partitions of each transaction. */
  const transactions = async () => {
    await settled();
    return calls.map(({ partitions }) => partitions);
  };
  return { write, calls, transactions, begun };
}

describe('writes that wait at the same moment', () => {
  test('share a transaction, and each gets its own result', async () => {
    const { write, calls, transactions, begun } = setUp();
    const results = [write(batchOf(0)), write(batchOf(1, { events: 3 })), write(batchOf(2, { events: 1 }))];
    assert.deepEqual(await transactions(), [[0, 1, 2]]);
    assert.deepEqual(begun, [0, 1, 2]);
    calls[0]?.end('stored');
    assert.deepEqual(await Promise.all(results), [resultOf(2), resultOf(3), resultOf(1)]);
  });

  test('are as many as come in the turn of whoever waits longest; one alone does not wait for company', async () => {
    const { write, calls, transactions } = setUp();
    void write(batchOf(0));
    assert.deepEqual(await transactions(), [[0]]);
    void write(batchOf(1));
    void write(batchOf(2));
    assert.deepEqual(await transactions(), [[0]], 'there is one lane');
    calls[0]?.end('stored');
    assert.deepEqual(await transactions(), [[0], [1, 2]]);
  });

  test('go side by side on as many lanes as there are', async () => {
    const { write, transactions } = setUp({ lanes: 2 });
    for (const partition of [0, 1, 2]) {
      void write(batchOf(partition));
      await settled();
    }
    assert.deepEqual(await transactions(), [[0], [1]]);
  });

  test('go by themselves where company is of no use: when they are large, have letters, or ask for it', async () => {
    const { write, calls, transactions } = setUp();
    void write(batchOf(0));
    await settled();
    void write(batchOf(1));
    void write(batchOf(2, { events: 501 }));
    void write(batchOf(3, { letters: 1 }));
    void write(batchOf(4, { events: 1, bytes: 1024 ** 2 }));
    void write(batchOf(5), { alone: true });
    void write(batchOf(6));
    for (let n = 0; n < 6; n++) {
      calls[n]?.end('stored');
      await settled();
    }
    assert.deepEqual(await transactions(), [[0], [1, 6], [2], [3], [4], [5]]);
  });

  test('are no more together than a transaction may hold, in records and in bytes', async () => {
    const few = setUp({ maxRecords: 5 });
    for (const partition of [0, 1, 2, 3]) void few.write(batchOf(partition));
    assert.deepEqual(await few.transactions(), [[0, 1]]);
    const { write, transactions } = setUp();
    for (const partition of [0, 1, 2, 3]) void write(batchOf(partition, { events: 1, bytes: 400_000 }));
    assert.deepEqual(await transactions(), [[0, 1]]);
  });

  test('are written by themselves when they are left out, before those that came later', async () => {
    const { write, calls, transactions } = setUp();
    const results = [write(batchOf(0)), write(batchOf(1)), write(batchOf(2))];
    await settled();
    void write(batchOf(3));
    calls[0]?.end('stored', [0, 2]);
    assert.deepEqual(await results[1], resultOf(2), 'the others are stored');
    for (const call of [1, 2]) {
      await settled();
      calls[call]?.end('stored');
    }
    assert.deepEqual(await transactions(), [[0, 1, 2], [0], [2], [3]]);
    assert.deepEqual(await Promise.all(results), [resultOf(2), resultOf(2), resultOf(2)]);
  });

  test('part when the data of one is refused', async () => {
    const { write, calls, transactions } = setUp();
    const results = [write(batchOf(0)), write(batchOf(1))];
    await settled();
    calls[0]?.end(databaseError('data_refused', 'one of them is bad'));
    for (const call of [1, 2]) {
      await settled();
      calls[call]?.end('stored');
    }
    assert.deepEqual(await transactions(), [[0, 1], [0], [1]]);
    assert.deepEqual(await Promise.all(results), [resultOf(2), resultOf(2)]);
  });

  test('fail together when the database is away, and leave the lane to others', async () => {
    const { write, calls, transactions } = setUp();
    const results = [write(batchOf(0)), write(batchOf(1))];
    await settled();
    calls[0]?.end(databaseError('database_unavailable', 'connection refused'));
    for (const result of results) await assert.rejects(result, (it) => isKeroError(it, 'database_unavailable'));
    void write(batchOf(2));
    assert.deepEqual(await transactions(), [[0, 1], [2]]);
  });
});
