import assert from 'node:assert/strict';
import { backoffMs, isKeroError, sleep } from '@kero/runtime';
import type { StoreEvent } from '../event-store.ts';
import { again, event, type NewDatabase, type StoreUnderTest, scenario } from './store-under-test.contract.ts';

/** What the processor does: the same batch again for as long as it takes. */
async function storeWithRetry(store: StoreUnderTest, events: readonly StoreEvent[], logPartition: number) {
  for (let attempt = 0; ; attempt++) {
    try {
      return await store.store(events, { logPartition });
    } catch (error) {
      if (!isKeroError(error) || !error.retryable) throw error;
      await sleep(backoffMs(attempt, { firstMs: 5, maxMs: 100 }));
    }
  }
}

export function concurrencyContract(newDatabase: NewDatabase): void {
  scenario(
    newDatabase,
    'overlapping batches in opposite order, side by side: each event once, nothing lost',
    async (store) => {
      for (let round = 0; round < 10; round++) {
        const base = Array.from({ length: 300 }, (_, index) =>
          event({ timestampMicros: 1e15 + round * 1e9 + index * 1e6 }),
        );
        const results = await Promise.all([
          storeWithRetry(store, base, 0),
          storeWithRetry(store, base.map(again).reverse(), 1),
          storeWithRetry(store, base.slice(100, 200).map(again), 2),
        ]);
        const total = (of: 'stored' | 'duplicates') => results.reduce((sum, result) => sum + result[of], 0);
        assert.equal(total('stored'), 300);
        assert.equal(total('duplicates'), 400);
      }
      assert.equal(await store.countEvents(), 3_000);
      assert.equal(await store.countLetters(), 0);
    },
  );

  scenario(newDatabase, 'the first events of a month, from several partitions at once, make it once', async (store) => {
    for (let year = 1980; year < 2010; year++) {
      const timestampMicros = Date.UTC(year, 5) * 1000;
      const results = await Promise.all(
        Array.from({ length: 4 }, (_, logPartition) => store.store([event({ timestampMicros })], { logPartition })),
      );
      assert.deepEqual(
        results.map((result) => result.stored),
        [1, 1, 1, 1],
      );
    }
  });

  scenario(
    newDatabase,
    'two partitions that send one id with different content: one row, one conflict',
    async (store) => {
      for (let round = 0; round < 10; round++) {
        const name = `round-${round}`;
        const results = await Promise.all([
          storeWithRetry(store, [event({ name, data: '{"n":1}' })], 0),
          storeWithRetry(store, [event({ name, data: '{"n":2}' })], 1),
        ]);
        assert.equal(
          results.reduce((sum, { stored }) => sum + stored, 0),
          1,
        );
        assert.equal(
          results.reduce((sum, { conflicts }) => sum + conflicts, 0),
          1,
        );
      }
    },
  );

  scenario(newDatabase, 'more callers than connections all get their turn', async (store) => {
    const results = await Promise.all(
      Array.from({ length: 40 }, (_, partition) => store.store([event()], { logPartition: partition })),
    );
    assert.ok(results.every(({ stored }) => stored === 1));
  });
}
