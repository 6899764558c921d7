import assert from 'node:assert/strict';
import {
  counts,
  event,
  LOG_ID,
  letter,
  type NewDatabase,
  record,
  SOME_TIME,
  scenario,
} from './store-under-test.contract.ts';

export function deadLettersContract(newDatabase: NewDatabase): void {
  scenario(
    newDatabase,
    'a dead letter keeps the record byte for byte, its place in the log, and why',
    async (store) => {
      const id = Buffer.from('0123456789ab8def8123456789abcdef', 'hex');
      const given = letter({
        id,
        reason: 'invalid',
        detail: 'user_id is missing',
        record: record(17n, {
          key: Buffer.from([0, 255]),
          value: Buffer.from('ff00', 'hex'),
          headers: [
            ['kero-source', Buffer.from('shöp')],
            ['raw', Buffer.from([0xff])],
            ['zero', Buffer.from([0x61, 0])],
            ['kero-source', Buffer.from('')],
          ],
        }),
      });
      assert.deepEqual(await store.store([], { deadLetters: [given], logPartition: 4 }), counts({ letters: 1 }));
      const rows =
        await store.rows(`select id, reason, detail, payload, record_key, record_headers, log_id, log_partition,
      log_offset, received_at at time zone 'UTC', status, status_changed_at, replay_of,
      failed_at between now() - interval '1 minute' and now() from dead_letters`);
      assert.deepEqual(rows, [
        [
          '01234567-89ab-8def-8123-456789abcdef',
          'invalid',
          'user_id is missing',
          '\\xff00',
          '\\x00ff',
          '[["kero-source", "shöp"], ["raw", {"base64": "/w=="}], ["zero", {"base64": "YQA="}], ["kero-source", ""]]',
          LOG_ID,
          '4',
          '17',
          '2026-11-23 10:00:00.000005',
          'open',
          null,
          null,
          't',
        ],
      ]);
    },
  );

  scenario(newDatabase, 'a tombstone without a key is kept as NULL', async (store) => {
    await store.store([], { deadLetters: [letter({ record: record(1n, { key: null, value: null, headers: [] }) })] });
    assert.deepEqual(await store.rows('select id, payload, record_key, record_headers from dead_letters'), [
      [null, null, null, '[]'],
    ]);
  });

  scenario(
    newDatabase,
    'no letter is refused for what it says: NUL and lone surrogates are written in another way',
    async (store) => {
      const odd = letter({
        detail: 'a\0b \ud800 c',
        record: record(1n, { headers: [['na\0me \udfff', Buffer.from('x')]] }),
      });
      assert.deepEqual(await store.store([], { deadLetters: [odd] }), counts({ letters: 1 }));
      assert.deepEqual(await store.rows('select detail, record_headers->0->>0 from dead_letters'), [
        ['a\\u0000b \ufffd c', 'na\\u0000me \ufffd'],
      ]);
    },
  );

  scenario(
    newDatabase,
    'rows and dead letters of a batch are stored together, and redelivered together',
    async (store) => {
      const events = [event(), event()];
      const deadLetters = [letter(), letter({ reason: 'invalid' }), letter({ reason: 'expired' })];
      assert.deepEqual(await store.store(events, { deadLetters }), counts({ stored: 2, letters: 3 }));
      assert.deepEqual(await store.store(events, { deadLetters }), counts({ redelivered: 5 }));
      assert.equal(await store.countEvents(), 2);
      assert.equal(await store.countLetters(), 3);
    },
  );

  scenario(newDatabase, 'new letters are counted by their reason', async (store) => {
    const deadLetters = [letter({ reason: 'invalid' }), letter({ reason: 'expired' }), letter({ reason: 'invalid' })];
    const result = await store.database.events.store({ logId: LOG_ID, logPartition: 0, events: [], deadLetters });
    assert.deepEqual([...result.deadLetters].sort(), [
      ['expired', 1],
      ['invalid', 2],
    ]);
  });

  scenario(
    newDatabase,
    'a record that is a row already and has expired since is redelivered, not a letter',
    async (store) => {
      const times = [0, 1, 999, 1000].map((micros) => SOME_TIME + micros);
      const events = times.map((timestampMicros) => event({ timestampMicros }));
      await store.store(events, { logPartition: 3 });
      const expired = events.map(({ id, record: place }) => letter({ id, reason: 'expired', record: place }));
      assert.deepEqual(await store.store([], { deadLetters: expired, logPartition: 3 }), counts({ redelivered: 4 }));
      assert.equal(await store.countLetters(), 0);
      const fresh = event();
      assert.deepEqual(
        await store.store([fresh], { deadLetters: [...expired, letter()], logPartition: 3 }),
        counts({ stored: 1, redelivered: 4, letters: 1 }),
      );
    },
  );

  scenario(
    newDatabase,
    'an expired record from elsewhere, of another reason, or without its row stays a letter',
    async (store) => {
      const stored = event();
      await store.store([stored], { logPartition: 3 });
      const expired = letter({ id: stored.id, reason: 'expired', record: stored.record });
      const elsewhere = [
        { ...expired, record: record() },
        { ...expired, reason: 'invalid' as const },
      ];
      assert.deepEqual(await store.store([], { deadLetters: elsewhere, logPartition: 3 }), counts({ letters: 2 }));
      assert.deepEqual(await store.store([], { deadLetters: [expired], logPartition: 4 }), counts({ letters: 1 }));
      const other = event();
      await store.store([other], { logPartition: 3 });
      await store.database.query('delete from events');
      const gone = letter({ id: other.id, reason: 'expired', record: other.record });
      assert.deepEqual(await store.store([], { deadLetters: [gone], logPartition: 3 }), counts({ letters: 1 }));
      assert.deepEqual(await store.store([], { deadLetters: [gone], logPartition: 3 }), counts({ redelivered: 1 }));
    },
  );

  scenario(newDatabase, 'the same place in another log, or another partition, is another letter', async (store) => {
    const deadLetters = [letter({ record: record(5n) })];
    const otherLog = { deadLetters, logId: '6b65726f-0000-4000-8000-000000000002' };
    assert.deepEqual(await store.store([], { deadLetters }), counts({ letters: 1 }));
    assert.deepEqual(await store.store([], otherLog), counts({ letters: 1 }));
    assert.deepEqual(await store.store([], { deadLetters, logPartition: 1 }), counts({ letters: 1 }));
    assert.deepEqual(await store.store([], otherLog), counts({ redelivered: 1 }));
  });

  scenario(
    newDatabase,
    'a letter whose status somebody changed is left alone when it is redelivered',
    async (store) => {
      const deadLetters = [letter()];
      await store.store([], { deadLetters });
      await store.database.query(`update dead_letters set status = 'discarded', status_changed_at = now()`);
      assert.deepEqual(await store.store([], { deadLetters }), counts({ redelivered: 1 }));
      assert.equal(await store.value('select status from dead_letters'), 'discarded');
    },
  );
}
