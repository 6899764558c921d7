import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { again, event } from '../contract/store-under-test.contract.ts';
import type { StoreEvent } from '../event-store.ts';
import { elementTypes, encodeArray, encodeTimestamp } from './binary.ts';
import { encodeRows } from './copy-events.ts';
import { CopyBuffer } from './copy-in.ts';
import { RecentIds } from './recent-ids.ts';
import { sortEvents } from './sort-events.ts';
import { WriteMode } from './write-mode.ts';

describe('timestamps in binary', () => {
  test('are the microseconds since 2000 as a signed 64-bit number, for every moment an event may have', () => {
    const latest = Date.UTC(2149, 0) * 1000 - 1;
    fc.assert(
      fc.property(fc.integer({ min: 0, max: latest }), (micros) => {
        assert.equal(encodeTimestamp(micros).readBigInt64BE(), BigInt(micros) - BigInt(Date.UTC(2000, 0)) * 1000n);
      }),
      { examples: [[0], [latest], [Date.UTC(2000, 0) * 1000], [Date.UTC(2000, 0) * 1000 - 1]] },
    );
  });
});

describe('arrays in binary', () => {
  test('have a header, and each element its length; NULL has the length -1', () => {
    const array = encodeArray(elementTypes.text, ['é', undefined, ''], (value) => value);
    assert.equal(
      array.toString('hex'),
      ['00000001', '00000001', '00000019', '00000003', '00000001', '00000002', 'c3a9', 'ffffffff', '00000000'].join(''),
    );
  });

  test('a jsonb element is its text with the version in front', () => {
    const array = encodeArray(elementTypes.jsonb, [Buffer.from('{}')], (value) => value);
    assert.equal(array.subarray(20).toString('hex'), '00000003017b7d');
  });
});

describe('rows for COPY', () => {
  test('are cut into messages that each say their own length', () => {
    const events = Array.from({ length: 2_000 }, (_, index) => event({ data: `{"t":"${'ü'.repeat(index % 700)}"}` }));
    events.push(event({ data: `{"t":"${'x'.repeat(300_000)}"}` }));
    const messages = [
      ...encodeRows(
        events,
        () => 7,
        (size) => new CopyBuffer(Math.max(1_000, size)),
      ),
    ];
    assert.ok(messages.length > 5);
    for (const message of messages) {
      assert.equal(message[0], 'd'.charCodeAt(0));
      assert.equal(message.readInt32BE(1), message.length - 1);
    }
    const data = Buffer.concat(messages.map((message) => message.subarray(5)));
    assert.equal(data.subarray(0, 11).toString('latin1'), 'PGCOPY\n\xff\r\n\0');
    assert.equal(data.readInt16BE(data.length - 2), -1);
  });
});

describe('the order in which a batch is written', () => {
  test('is that of the primary key, whatever the order of the log', () => {
    const events = [3, 1, 2].map((second) => event({ timestampMicros: second * 1e6 }));
    const sorted = sortEvents(events, new RecentIds());
    assert.deepEqual(sorted.events, [events[1], events[2], events[0]]);
    assert.deepEqual(sorted.repeats, []);
    assert.deepEqual(sorted.twins, []);
  });

  test('leaves out what is equal in bytes, keeping the first of the log', () => {
    const first = event({ name: 'one' });
    const repeat = again(first);
    const sorted = sortEvents([repeat, event(), first], new RecentIds());
    assert.equal(sorted.events.length, 2);
    assert.deepEqual(sorted.repeats, [[first, repeat]]);
    assert.deepEqual(sorted.twins, []);
  });

  test('puts aside what has the same id and other bytes', () => {
    const first = event({ name: 'one', data: '{"a":1.0}' });
    const twin = event({ name: 'one', data: '{"a":1.00}' });
    const another = event({ name: 'one', data: '{"a":1.000}' });
    const repeat = again(first);
    const sorted = sortEvents([another, repeat, twin, first].toReversed(), new RecentIds());
    assert.deepEqual(sorted, { events: [first], metBefore: [], repeats: [[first, repeat]], twins: [twin, another] });
  });

  test('tells which events were met in a batch before', () => {
    const recent = new RecentIds();
    const events = [event(), event(), event()];
    assert.deepEqual(sortEvents(events, recent).metBefore, []);
    const [, second, third] = events as [StoreEvent, StoreEvent, StoreEvent];
    const given = [again(third), event(), again(second)];
    const sorted = sortEvents(given, recent);
    assert.deepEqual(new Set(sorted.metBefore), new Set([given[0], given[2]]));
    assert.deepEqual(
      sorted.metBefore,
      sorted.events.filter((it) => it !== given[1]),
      'in the same order',
    );
  });

  for (const fields of [{ userId: 'other' }, { eventType: 'other' }, { source: 'other' }, { eventId: 'other' }]) {
    test(`does not take an event with another ${Object.keys(fields)[0]} for a repeat`, () => {
      assert.equal(
        sortEvents([event({ name: 'one' }), event({ name: 'one', ...fields })], new RecentIds()).repeats.length,
        0,
      );
    });
  }
});

describe('the ids that were met lately', () => {
  const words = (n: number) => {
    const id = event({ name: `of ${n}` }).id;
    return new Uint32Array(id.buffer.slice(id.byteOffset, id.byteOffset + id.length));
  };

  test('are remembered while 300,000 others come, all but a few', () => {
    const recent = new RecentIds();
    for (let n = 0; n < 301_000; n++) recent.meet(words(n), 0);
    let forgotten = 0;
    for (let n = 0; n < 1000; n++) if (!recent.meet(words(n), 0)) forgotten++;
    assert.ok(forgotten <= 10, `${forgotten} of 1000`);
  });

  test('are not those of other events of the same millisecond', () => {
    const recent = new RecentIds();
    for (let n = 0; n < 100_000; n++) assert.equal(recent.meet(words(n), 0), false);
  });
});

describe('which way a batch goes', () => {
  test('begins with COPY, and stays with it while nothing repeats', () => {
    const mode = new WriteMode();
    for (let batch = 0; batch < 100; batch++) {
      assert.equal(mode.next(), 'copy');
      mode.copySucceeded();
    }
  });

  test('a stream in which every batch repeats something tries COPY less and less often', () => {
    const mode = new WriteMode();
    let copies = 0;
    for (let batch = 0; batch < 1_000; batch++) {
      if (mode.next() === 'look') continue;
      copies++;
      mode.copyRefused();
    }
    assert.ok(copies <= 21, `${copies} of 1000 batches cost double`);
  });

  test('rare repeats cost little: after each, only a few batches look first', () => {
    const mode = new WriteMode();
    let looks = 0;
    for (let batch = 0; batch < 1_000; batch++) {
      if (mode.next() === 'look') looks++;
      else if (batch % 50 === 0) mode.copyRefused();
      else mode.copySucceeded();
    }
    assert.ok(looks > 0 && looks <= 60, `${looks} of 1000 batches went the slower way`);
  });
});
