import assert from 'node:assert/strict';
import { again, counts, event, type NewDatabase, offsetOf, record, scenario } from './store-under-test.contract.ts';

export function repeatsContract(newDatabase: NewDatabase): void {
  scenario(newDatabase, 'the same batch stored again changes nothing and counts as redelivered', async (store) => {
    const events = Array.from({ length: 20 }, () => event());
    assert.deepEqual(await store.store(events), counts({ stored: 20 }));
    const before = await store.rows('select * from events order by id');
    for (let round = 0; round < 3; round++) {
      assert.deepEqual(await store.store(events), counts({ redelivered: 20 }));
    }
    assert.deepEqual(await store.rows('select * from events order by id'), before);
    assert.equal(await store.countLetters(), 0);
  });

  scenario(newDatabase, 'a batch that is partly stored already is completed', async (store) => {
    const events = Array.from({ length: 10 }, () => event());
    await store.store(events.slice(0, 4));
    assert.deepEqual(await store.store(events), counts({ stored: 6, redelivered: 4 }));
    assert.equal(await store.countEvents(), 10);
  });

  scenario(newDatabase, 'the same event from another place of the log is a duplicate', async (store) => {
    const original = event();
    await store.store([original], { logPartition: 1 });
    assert.deepEqual(await store.store([again(original)], { logPartition: 1 }), counts({ duplicates: 1 }));
    assert.deepEqual(await store.store([original], { logPartition: 2 }), counts({ duplicates: 1 }), 'same offset');
    assert.deepEqual(await store.rows('select log_partition, log_offset from events'), [['1', offsetOf(original)]]);
  });

  scenario(newDatabase, 'an event whose row was deleted is stored again', async (store) => {
    const original = event();
    await store.store([original, event()]);
    await store.rows(`delete from events where id = '${original.id.toString('hex')}'`);
    assert.deepEqual(await store.store([event(), again(original)]), counts({ stored: 2 }));
    assert.equal(await store.countEvents(), 3);
  });

  scenario(newDatabase, 'the same event twice in one batch is one row and one duplicate', async (store) => {
    const original = event();
    const repeat = again(original);
    assert.deepEqual(await store.store([repeat, event(), original]), counts({ stored: 2, duplicates: 1 }));
    const stored = await store.value(`select log_offset from events where id = '${original.id.toString('hex')}'`);
    assert.equal(stored, offsetOf(original), 'the first one of the log is the one that is stored');
    const secondTime = await store.store([original, repeat]);
    assert.equal(secondTime.stored + secondTime.letters, 0);
  });

  scenario(newDatabase, 'content is compared as jsonb: 19.9 is 19.90, member order does not matter', async (store) => {
    const first = event({ name: 'one', data: '{"price":19.90,"item_id":"book"}' });
    const second = event({ name: 'one', data: '{ "item_id": "b\\u006fok", "price": 1.99e1 }' });
    assert.deepEqual(await store.store([first, second]), counts({ stored: 1, duplicates: 1 }), 'in one batch');
    assert.deepEqual(await store.store([{ ...second, record: record() }]), counts({ duplicates: 1 }), 'in another');
    assert.equal(await store.countLetters(), 0);
  });

  for (const [member, changed] of Object.entries({
    event_data: { data: '{"item_id":"book","price":19.91}' },
    user_id: { userId: 'user-2' },
    event_type: { eventType: 'refund' },
    source: { source: 'elsewhere' },
    event_id: { eventId: 'mine' },
  })) {
    scenario(newDatabase, `the same id with another ${member} is a conflict: the first stays`, async (store) => {
      const first = event({ name: 'one' });
      const other = event({ name: 'one', ...changed });
      await store.store([first]);
      assert.deepEqual(await store.store([other]), counts({ letters: 1, conflicts: 1 }));
      assert.deepEqual(await store.rows('select user_id, event_type, source, event_id, event_data from events'), [
        ['user-1', 'purchase', 'default', null, '{"price": 19.90, "item_id": "book"}'],
      ]);
      const [letter] = await store.rows(
        `select id, reason, detail, convert_from(payload, 'UTF8'), log_offset, status from dead_letters`,
      );
      assert.equal(letter?.[0]?.replaceAll('-', ''), first.id.toString('hex'));
      assert.match(letter?.[2] ?? '', new RegExp(`partition 0 offset ${offsetOf(first)}\\).*different: ${member}$`));
      assert.deepEqual(
        [letter?.[1], ...(letter?.slice(3) ?? [])],
        ['conflict', `value of ${offsetOf(other)}`, offsetOf(other), 'open'],
      );
    });
  }

  scenario(newDatabase, 'a conflict is kept once, however often it is redelivered', async (store) => {
    const first = event({ name: 'one' });
    const other = event({ name: 'one', data: '{}' });
    await store.store([first]);
    assert.deepEqual(await store.store([other]), counts({ letters: 1, conflicts: 1 }));
    for (let round = 0; round < 3; round++) {
      assert.deepEqual(await store.store([other, event()]), counts({ stored: 1, redelivered: 1 }));
    }
    assert.equal(await store.countLetters(), 1);
  });

  scenario(
    newDatabase,
    'two events with one id and different content in one batch: the earlier one stays',
    async (store) => {
      const first = event({ name: 'one', data: '{"n":1}' });
      const other = event({ name: 'one', data: '{"n":2}' });
      const batch = [other, event(), first];
      assert.deepEqual(await store.store(batch), counts({ stored: 2, letters: 1, conflicts: 1 }));
      assert.equal(
        await store.value(`select event_data from events where id = '${first.id.toString('hex')}'`),
        '{"n": 1}',
      );
      assert.equal(await store.value('select log_offset from dead_letters'), offsetOf(other));
      assert.deepEqual(await store.store(batch), counts({ redelivered: 3 }));
    },
  );

  scenario(newDatabase, 'a repeat of a conflict in the same batch is a conflict too', async (store) => {
    await store.store([event({ name: 'one' })]);
    const other = event({ name: 'one', data: '{}' });
    assert.deepEqual(await store.store([other, again(other)]), counts({ letters: 2, conflicts: 2 }));
    assert.deepEqual(await store.store([other]), counts({ redelivered: 1 }));
  });

  scenario(newDatabase, 'one batch with everything in it is told apart', async (store) => {
    const old = event({ name: 'old' });
    const redelivered = event({ name: 'redelivered' });
    await store.store([old, redelivered]);
    const fresh = event({ name: 'fresh' });
    const batch = [again(old), redelivered, event({ name: 'old', data: '{}' }), fresh, again(fresh)];
    assert.deepEqual(
      await store.store(batch),
      counts({ stored: 1, duplicates: 2, redelivered: 1, letters: 1, conflicts: 1 }),
    );
  });

  scenario(newDatabase, 'many batches in a row with and without repeats lose and double nothing', async (store) => {
    const all = Array.from({ length: 400 }, (_, index) => event({ timestampMicros: 1_800_000_000_000_000 + index }));
    let stored = 0;
    for (let at = 0; at < all.length; at += 10) {
      // Every third batch begins with events of the one before.
      const from = (at / 10) % 3 === 0 ? Math.max(0, at - 5) : at;
      stored += (await store.store(all.slice(from, at + 10))).stored;
    }
    assert.equal(stored, all.length);
    assert.equal(await store.countEvents(), all.length);
  });
}
