import assert from 'node:assert/strict';
import { counts, event, type NewDatabase, record, scenario } from './store-under-test.contract.ts';

export function newEventsContract(newDatabase: NewDatabase): void {
  scenario(newDatabase, 'a new event becomes a row with every column as it was given', async (store) => {
    const given = event({
      userId: 'Zoë 🦊',
      eventType: 'purchase',
      timestampMicros: Date.UTC(2026, 10, 23, 10, 11, 12) * 1000 + 345_678,
      source: 'shop',
      eventId: 'order-1',
      data: '{"item_id":"b\\u00fcch","tags":[],"nested":{"a":null}}',
    });
    given.record satisfies { receivedAtMicros: number };
    assert.deepEqual(await store.store([given], { logPartition: 3 }), counts({ stored: 1 }));
    const [row] = await store.rows(`select id, user_id, event_type, event_timestamp at time zone 'UTC', event_data,
      source, event_id, received_at at time zone 'UTC', log_partition, log_offset,
      stored_at between now() - interval '1 minute' and now() from events`);
    assert.deepEqual(row, [
      given.id.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
      'Zoë 🦊',
      'purchase',
      '2026-11-23 10:11:12.345678',
      '{"tags": [], "nested": {"a": null}, "item_id": "büch"}',
      'shop',
      'order-1',
      '2026-11-23 10:00:00.000005',
      '3',
      given.record.offset.toString(),
      't',
    ]);
  });

  scenario(newDatabase, 'numbers keep every digit that was sent', async (store) => {
    const numbers = [
      ...['19.90', '0.10', '9007199254740993', '1e100', '-0.000000000000000000000000000000000001', '100.00'],
      `3.${'1415926535'.repeat(90)}`,
      '9'.repeat(900),
    ];
    const events = numbers.map((price, index) => event({ eventId: `n-${index}`, data: `{"price":${price}}` }));
    assert.deepEqual(await store.store(events), counts({ stored: numbers.length }));
    const stored = await store.rows(`select (event_data->'price')::text from events order by substr(event_id, 3)::int`);
    const expected = numbers.map((price) => (price === '1e100' ? `1${'0'.repeat(100)}` : price));
    assert.deepEqual(stored.flat(), expected);
  });

  scenario(newDatabase, 'an event without an event_id has NULL there, not an empty text', async (store) => {
    await store.store([event({ eventId: undefined }), event({ eventId: '' })]);
    assert.deepEqual(await store.rows('select event_id from events order by event_id nulls first'), [[null], ['']]);
  });

  scenario(newDatabase, 'a batch of 5,000 events, some of them large, is stored whole', async (store) => {
    const events = Array.from({ length: 5_000 }, (_, index) =>
      event({ data: `{"n":${index},"text":"${'é'.repeat(index % 500 === 0 ? 120_000 : 40)}"}` }),
    );
    assert.deepEqual(await store.store(events), counts({ stored: 5_000 }));
    assert.equal(await store.value(`select sum((event_data->>'n')::int) from events`), String((5_000 * 4_999) / 2));
    assert.equal(await store.value(`select max(length(event_data->>'text')) from events`), '120000');
  });

  scenario(newDatabase, 'an empty batch is stored without an error', async (store) => {
    assert.deepEqual(await store.store([]), counts({}));
  });

  scenario(newDatabase, 'offsets beyond 2^53 stay exact', async (store) => {
    const given = { ...event(), record: record(9_007_199_254_740_993n) };
    assert.deepEqual(await store.store([given]), counts({ stored: 1 }));
    assert.deepEqual(await store.store([given]), counts({ redelivered: 1 }));
    assert.equal(await store.value('select log_offset from events'), '9007199254740993');
  });
}
