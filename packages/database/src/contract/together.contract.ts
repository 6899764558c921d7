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
    assert.deepEqual(
      results.map((it) => it && countsOf(it)),
      [...batches.map(() => counts({ stored: 3 })), counts({})],
    );
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

  scenario(newDatabase, 'what is not all new is left out, and the others are stored', async (store) => {
    const known = event();
    await store.store([known]);
    const twice = event();
    const unusual: Record<string, StoreBatch> = {
      'twice in it': batchOf(1, [event(), twice, again(twice)]),
      'twice, with other content': batchOf(1, [twice, { ...again(twice), userId: 'other' }]),
      'with a dead letter': { ...batchOf(1, [event()]), deadLetters: [letter()] },
      // From here on the next ones are looked up first.
      'stored before': batchOf(1, [event(), again(known)]),
      'stored before, once more': batchOf(1, [again(known), event()]),
    };
    let rows = 1;
    for (const [what, batch] of Object.entries(unusual)) {
      const results = await store.database.events.storeTogether([batchOf(0, [event()]), batch, batchOf(2, [event()])]);
      assert.deepEqual(
        results.map((it) => it && countsOf(it)),
        [counts({ stored: 1 }), undefined, counts({ stored: 1 })],
        what,
      );
      rows += 2;
      assert.deepEqual([await store.countEvents(), await store.countLetters()], [rows, 0], what);
    }
    for (const { logPartition, events, deadLetters } of Object.values(unusual)) {
      await store.store(events, { logPartition, deadLetters });
    }
    assert.deepEqual(
      [await store.countEvents(), await store.countLetters()],
      [rows + 5, 2],
      'by itself each is stored',
    );
  });

  scenario(newDatabase, 'of two batches with the same event one is left out', async (store) => {
    const shared = event();
    const batches = [batchOf(0, [event(), shared]), batchOf(1, [event(), again(shared)])];
    const results = await store.database.events.storeTogether(batches);
    assert.equal(results.filter((it) => it?.stored === 2).length, 1);
    assert.equal(results.filter((it) => it === undefined).length, 1);
    assert.equal(await store.countEvents(), 2);
  });

  scenario(newDatabase, 'when a unique index that is not of Kero refuses one, all are left out', async (store) => {
    await store.store([event({ eventId: 'taken' })]);
    await store.rows('create unique index only_one on events_2026_11 (event_id)');
    const batches = [batchOf(0, [event()]), batchOf(1, [event({ eventId: 'taken' })])];
    assert.deepEqual(await store.database.events.storeTogether(batches), [undefined, undefined]);
    assert.equal(await store.countEvents(), 1);
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
