import assert from 'node:assert/strict';
import { again, counts, event, type NewDatabase, scenario } from './store-under-test.contract.ts';

const micros = (time: string) => Date.parse(time) * 1000;
const PARTITIONS = `select inhrelid::regclass::text from pg_inherits where inhparent = 'events'::regclass order by 1`;

export function partitionsContract(newDatabase: NewDatabase): void {
  scenario(newDatabase, 'the first and the last moment that an event may have are stored', async (store) => {
    const events = [
      event({ timestampMicros: 0 }),
      event({ timestampMicros: micros('2148-12-31T23:59:59.999Z') + 999 }),
      event({ timestampMicros: 999_999 }),
    ];
    assert.deepEqual(await store.store(events), counts({ stored: 3 }));
    assert.deepEqual(await store.rows(`select event_timestamp at time zone 'UTC' from events order by 1`), [
      ['1970-01-01 00:00:00'],
      ['1970-01-01 00:00:00.999999'],
      ['2148-12-31 23:59:59.999999'],
    ]);
    assert.deepEqual((await store.rows(PARTITIONS)).flat(), ['events_1970_01', 'events_2148_12']);
    assert.deepEqual(await store.store(events.map(again)), counts({ duplicates: 3 }));
  });

  scenario(newDatabase, 'months end at midnight UTC, whatever the time zone of the database', async (store) => {
    await store.database.query(
      `do $$ begin execute format('alter database %I set timezone = ''Pacific/Kiritimati''', current_database()); end $$`,
    );
    const before = event({ timestampMicros: micros('2024-02-29T23:59:59.999Z') + 999 });
    const after = event({ timestampMicros: micros('2024-03-01T00:00:00Z') });
    assert.deepEqual(await store.store([after, before]), counts({ stored: 2 }));
    const places = await store.rows('select tableoid::regclass::text, id from events order by 1');
    assert.deepEqual(
      places.map(([partition, id]) => [partition, id?.replaceAll('-', '')]),
      [
        ['events_2024_02', before.id.toString('hex')],
        ['events_2024_03', after.id.toString('hex')],
      ],
    );
  });

  scenario(newDatabase, 'one batch may touch many months, in any order', async (store) => {
    const events = Array.from({ length: 120 }, (_, month) =>
      event({ timestampMicros: Date.UTC(2000, month, 15) * 1000 }),
    );
    assert.deepEqual(await store.store(events.toReversed()), counts({ stored: 120 }));
    assert.equal((await store.rows(PARTITIONS)).length, 120);
    const mixed = [...events.slice(0, 50), ...Array.from({ length: 50 }, () => event())];
    assert.deepEqual(await store.store(mixed), counts({ stored: 50, redelivered: 50 }));
  });

  scenario(newDatabase, 'a month that somebody dropped is made again, without the caller noticing', async (store) => {
    await store.store([event()]);
    await store.database.query('drop table events_2026_11');
    assert.deepEqual(await store.store([event(), event()]), counts({ stored: 2 }));
    await store.database.query('alter table events detach partition events_2026_11');
    await store.database.query('alter table events_2026_11 rename to kept');
    const event3 = event();
    assert.deepEqual(await store.store([event3]), counts({ stored: 1 }));
    assert.deepEqual(await store.store([event3]), counts({ redelivered: 1 }), 'the primary key is there too');
  });

  scenario(newDatabase, 'a look-up by id alone finds the row in one partition by its primary key', async (store) => {
    const events = Array.from({ length: 6 }, (_, month) =>
      event({ timestampMicros: Date.UTC(2026, month, 3, 4, 5, 6, 789) * 1000 + 123 }),
    );
    await store.store(events);
    const id = events[2]!.id.toString('hex');
    const lookUp = `from events where id = '${id}' and event_timestamp >= kero_event_time('${id}')
      and event_timestamp < kero_event_time('${id}') + interval '1 ms'`;
    assert.equal(await store.value(`select count(*) ${lookUp}`), '1');
    // Without this the planner reads a table of one row as a whole.
    const plan = (await store.rows(`set enable_seqscan = off; explain select * ${lookUp}`)).flat().join('\n');
    assert.match(plan, /events_2026_03_pkey/);
    assert.doesNotMatch(plan, /events_2026_0[12456]/);
  });
}
