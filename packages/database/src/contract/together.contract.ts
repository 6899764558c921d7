import assert from 'node:assert/strict';
import type { StoreBatch, StoreEvent } from '../event-store.ts';
import {
  again,
  counts,
  countsOf,
  event,
  LOG_ID,
  letter,
  type NewDatabase,
  offsetOf,
  scenario,
} from './store-under-test.contract.ts';

/** storeTogether(): batches of several partitions in one transaction, or nothing of them. */
export function togetherContract(newDatabase: NewDatabase): void {
  scenario(newDatabase, 'new batches of several partitions become rows in one transaction', async (store) => {
    const batches = [3, 0, 5].map((partition) => batchOf(partition, [event(), event(), event()].toReversed()));
    const results = await store.database.events.storeTogether([...batches, batchOf(7, [])]);
    assert.deepEqual(results?.map(countsOf), [...batches.map(() => counts({ stored: 3 })), counts({})]);
    const rows = await store.rows('select log_partition, log_offset from events order by log_partition, log_offset');
    const expected = [0, 3, 5].flatMap((partition) =>
      offsetsOf(batches, partition).map((at) => [String(partition), at]),
    );
    assert.deepEqual(rows, expected);
    assert.equal(await store.value('select count(distinct xmin::text) from events'), '1');
    for (const { logPartition, events } of batches) {
      assert.deepEqual(await store.store(events, { logPartition }), counts({ redelivered: 3 }), 'known by their place');
    }
  });

  scenario(newDatabase, 'what takes a closer look is left alone: nothing is stored', async (store) => {
    const known = event();
    await store.store([known]);
    const twice = event();
    const unusual: Record<string, StoreBatch[]> = {
      'twice in one': [batchOf(0, [event()]), batchOf(1, [twice, again(twice)])],
      'in two of them': [batchOf(0, [twice]), batchOf(1, [again(twice)])],
      'in two of them, with other content': [batchOf(0, [twice]), batchOf(1, [{ ...again(twice), userId: 'other' }])],
      'with a dead letter': [batchOf(0, [event()]), { ...batchOf(1, [event()]), deadLetters: [letter()] }],
      // Last, because it makes the next batches look first.
      'stored before': [batchOf(0, [event()]), batchOf(1, [again(known)])],
    };
    for (const [what, batches] of Object.entries(unusual)) {
      assert.equal(await store.database.events.storeTogether(batches), undefined, what);
      assert.deepEqual([await store.countEvents(), await store.countLetters()], [1, 0], what);
    }
    for (const { logPartition, events, deadLetters } of Object.values(unusual).flat()) {
      await store.store(events, { logPartition, deadLetters });
    }
    assert.deepEqual([await store.countEvents(), await store.countLetters()], [6, 2], 'each by itself they are stored');
  });

  scenario(newDatabase, 'when nothing repeats for a while, it works again after a repeat', async (store) => {
    const known = event();
    await store.store([known]);
    const { events } = store.database;
    assert.equal(await events.storeTogether([batchOf(0, [again(known)]), batchOf(1, [event()])]), undefined);
    for (let round = 0; ; round++) {
      const results = await events.storeTogether([batchOf(0, [event()]), batchOf(1, [event()])]);
      if (results) break;
      assert.ok(round < 10);
      await store.store([event()]);
    }
  });

  scenario(newDatabase, 'data that is refused is an error, and nothing is stored', async (store) => {
    await store.rows("alter table events add constraint no_evil check (event_type <> 'evil')");
    const batches = [batchOf(0, [event()]), batchOf(1, [event({ eventType: 'evil' })])];
    await assert.rejects(store.database.events.storeTogether(batches), { code: 'data_refused' });
    assert.equal(await store.countEvents(), 0);
  });

  scenario(
    newDatabase,
    'partitions of the table are made on demand, also when one was dropped meanwhile',
    async (store) => {
      const july = Date.UTC(1999, 6, 4) * 1000;
      const batches = () => [batchOf(0, [event({ timestampMicros: july })]), batchOf(1, [event()])];
      assert.ok(await store.database.events.storeTogether(batches()));
      await store.rows('drop table events_1999_07');
      assert.ok(await store.database.events.storeTogether(batches()));
      assert.equal(await store.countEvents(), 3);
    },
  );
}

function batchOf(logPartition: number, events: readonly StoreEvent[]): StoreBatch {
  return { logId: LOG_ID, logPartition, events, deadLetters: [] };
}

function offsetsOf(batches: readonly StoreBatch[], partition: number): string[] {
  const events = batches.filter(({ logPartition }) => logPartition === partition).flatMap((batch) => batch.events);
  return events.map(offsetOf).sort((a, b) => Number(a) - Number(b));
}
