import assert from 'node:assert/strict';
import { isKeroError } from '@kero/runtime';
import type { DeadLetter, StoreEvent } from '../event-store.ts';
import { again, counts, event, LOG_ID, letter, type NewDatabase, scenario } from './store-under-test.contract.ts';

/** Things that the receiver refuses already, handed in directly. */
const REFUSED: Record<string, StoreEvent> = {
  'U+0000 in event_data': event({ data: '{"a":"\\u0000"}' }),
  'U+0000 in user_id': event({ userId: 'a\0b' }),
  'a lone surrogate in event_data': event({ data: '{"a":"\\ud800"}' }),
  'event_data that is not JSON': event({ data: '{"a":' }),
  'a number beyond numeric': event({ data: '{"a":1e200000}' }),
};

export function refusalsContract(newDatabase: NewDatabase): void {
  for (const [what, bad] of Object.entries(REFUSED)) {
    scenario(newDatabase, `${what} is refused as data, and nothing of its batch is stored`, async (store) => {
      const refusal = (error: unknown) => {
        assert.ok(isKeroError(error, 'data_refused'), String(error));
        assert.equal(error.retryable, false);
        return true;
      };
      const good = [event({ timestampMicros: 1 }), event()];
      const deadLetters: DeadLetter[] = [letter()];
      await assert.rejects(store.store([good[0]!, bad, good[1]!]), refusal, 'alone');
      await assert.rejects(store.store([...good, bad], { deadLetters }), refusal, 'with letters');
      assert.deepEqual(store.database.health(), { up: true }, 'the database is well');
      assert.equal(await store.countEvents(), 0);
      assert.equal(await store.countLetters(), 0);

      assert.deepEqual(await store.store(good, { deadLetters }), counts({ stored: 2, letters: 1 }), 'the others go in');
      // The way that knows repeated events refuses in the same way.
      await assert.rejects(store.store([...good, bad], { deadLetters }), refusal, 'with repeats');
      const isolated = letter({ reason: 'refused_by_database', id: bad.id, record: bad.record });
      assert.deepEqual(await store.store([], { deadLetters: [isolated] }), counts({ letters: 1 }));
    });
  }

  scenario(newDatabase, 'a missing right, table or column is never taken for bad data', async (store) => {
    const retryable = (error: unknown) => isKeroError(error, 'database_misconfigured') && error.retryable;
    await store.store([event()]);
    await store.database.query('alter table events rename column source to sauce');
    await assert.rejects(store.store([event()]), retryable);
    await store.database.query('alter table events rename column sauce to source');
    await store.database.query('alter table dead_letters rename to elsewhere');
    await assert.rejects(store.store([event()], { deadLetters: [letter()] }), retryable);
    assert.equal(await store.countEvents(), 1);
    await store.database.query('alter table elsewhere rename to dead_letters');
    assert.deepEqual(await store.store([event()], { deadLetters: [letter()] }), counts({ stored: 1, letters: 1 }));
  });

  scenario(
    newDatabase,
    'a column of another type, or a trigger that raises, is never taken for bad data',
    async (store) => {
      const retryable = (error: unknown) => isKeroError(error) && error.retryable;
      await store.store([event()]);
      for (const [column, other, own] of [
        ['log_partition', 'bigint', 'int'],
        ['log_offset', 'int', 'bigint'],
        ['source', 'int using 1', 'text'],
      ]) {
        await store.database.query(`alter table events alter column ${column} type ${other}`);
        await assert.rejects(store.store([event()]), retryable);
        await store.database.query(`alter table events alter column ${column} type ${own}`);
      }
      await store.database.query(`create function no() returns trigger language plpgsql as 'begin raise exception ''no''; end';
      create trigger no before insert on events for each row execute function no()`);
      await assert.rejects(store.store([event()]), retryable);
      await store.database.query('drop trigger no on events');
      assert.deepEqual(await store.store([event()]), counts({ stored: 1 }));
    },
  );

  scenario(
    newDatabase,
    'a unique index that somebody added refuses the data of that one event, and never repeats of stored ones',
    async (store) => {
      const first = event({ eventId: 'x' });
      await store.store([first]);
      await store.database.query('create unique index only_one on events_2026_11 (event_id)');
      const other = event({ eventId: 'x' });
      const neighbour = event();
      for (const batch of [[other], [first, other, neighbour], [neighbour, other]]) {
        await assert.rejects(store.store(batch), (error) => isKeroError(error, 'data_refused'));
        await assert.rejects(store.store(batch), /unique index that somebody added.*23505.*only_one/);
      }
      const repeats = [again(first), neighbour, first];
      assert.deepEqual(await store.store(repeats), counts({ stored: 1, duplicates: 1, redelivered: 1 }));
      await store.database.query('drop index only_one');
      assert.deepEqual(await store.store([other]), counts({ stored: 1 }));
    },
  );

  scenario(newDatabase, 'a batch of another log with the same offsets is not taken for a redelivery', async (store) => {
    const original = event({ name: 'one', offset: 0n });
    await store.store([original]);
    const changed = event({ name: 'one', offset: 0n, data: '{}' });
    const inOtherLog = { logId: LOG_ID.replace(/1$/, '2') };
    assert.deepEqual(await store.store([changed], inOtherLog), counts({ letters: 1, conflicts: 1 }));
  });
}
