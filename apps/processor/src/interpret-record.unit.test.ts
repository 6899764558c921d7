import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { builtInTypeSchemas, compileUserSchema, formatUuid, type TypeSchemas } from '@kero/events';
import type { LogRecord } from '@kero/messaging';
import { type InterpretOptions, interpretRecord } from './interpret-record.ts';

const NOW = Date.UTC(2026, 10, 23, 12);
const HOUR = 3_600_000;
const options: InterpretOptions = {
  eventSettings: { maxFutureMs: 24 * HOUR, retentionMs: undefined, maxBytes: 1024 },
  stores: () => true,
  typeSchemas: builtInTypeSchemas,
  nowMs: NOW,
};
const PURCHASE =
  '{"user_id":"user-1","event_type":"purchase","event_timestamp":"2025-10-07T10:00:00Z","event_data":{"item_id":"42","price":9.99}}';
const PURCHASE_ID = '0199be1d-1100-8548-b29d-d65d5192914d';

function record(
  value: string | Buffer | null,
  headers: Record<string, string> = {},
  timestampMs = NOW - 1000,
): LogRecord {
  return {
    offset: 7n,
    timestampMs,
    key: Buffer.from('user-1'),
    value: typeof value === 'string' ? Buffer.from(value) : value,
    headers: Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)] as const),
  };
}

/** The headers that a receiver writes. */
const RECEIVED = { 'kero-id': PURCHASE_ID, 'kero-source': 'shop', 'kero-received-at': '2026-11-23T11:00:00.000001Z' };

function eventOf(found: ReturnType<typeof interpretRecord>) {
  assert.equal(
    found.kind,
    'event',
    JSON.stringify(found, (_, v) => (typeof v === 'bigint' ? String(v) : v)),
  );
  return found.kind === 'event' ? found.event : assert.fail();
}

function letterOf(found: ReturnType<typeof interpretRecord>) {
  assert.equal(found.kind, 'dead_letter');
  return found.kind === 'dead_letter' ? found.letter : assert.fail();
}

describe('a record of another program, without headers', () => {
  test('is an event of source "default", received when the log took it', () => {
    const event = eventOf(interpretRecord(record(PURCHASE), options));
    assert.equal(formatUuid(event.id), PURCHASE_ID);
    assert.equal(event.source, 'default');
    assert.equal(event.record.receivedAtMicros, (NOW - 1000) * 1000);
    assert.equal(event.record.offset, 7n);
    assert.equal(event.eventData.toString(), '{"item_id":"42","price":9.99}');
  });

  test('is checked against the schema of its type', () => {
    const letter = letterOf(interpretRecord(record(PURCHASE.replace('9.99', '"9,99"')), options));
    assert.equal(letter.reason, 'invalid');
    assert.match(letter.detail, /\/event_data\/price/);
    assert.equal(letter.id, undefined);
  });

  test('waits for a schema that is not at hand, and is never called bad for it', () => {
    const typeSchemas: TypeSchemas = { find: () => 'not_loaded' };
    const found = interpretRecord(record(PURCHASE), { ...options, typeSchemas });
    assert.deepEqual(found, { kind: 'schema_not_loaded', eventType: 'purchase' });
  });

  test('whose schema cannot be applied to it is a dead letter, and ends nothing', () => {
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema.
    const check = compileUserSchema({ if: { required: ['price'] }, then: { $ref: '#' } });
    const typeSchemas: TypeSchemas = { find: () => ({ label: 'x', check }) };
    const letter = letterOf(interpretRecord(record(PURCHASE), { ...options, typeSchemas }));
    assert.equal(letter.reason, 'invalid');
    assert.match(letter.detail, /schema_failed.*cannot be applied|cannot be applied.*schema_failed/);
  });

  test('of a type without a schema is refused where such types are', () => {
    const typeSchemas: TypeSchemas = { find: () => 'refused' };
    const letter = letterOf(interpretRecord(record(PURCHASE), { ...options, typeSchemas }));
    assert.equal(letter.reason, 'invalid');
    assert.match(letter.detail, /^\/event_type: .*\[unknown_event_type\]$/);
  });

  test('cannot excuse an event in the future by a record timestamp in the future', () => {
    const later = PURCHASE.replace('2025-10-07T10:00:00Z', '2026-11-25T00:00:00Z');
    const letter = letterOf(interpretRecord(record(later, {}, NOW + 100 * HOUR), options));
    assert.match(letter.detail, /timestamp_in_future/);
    assert.equal(letter.record.receivedAtMicros, NOW * 1000);
  });

  test('is measured against now, however old its record says it is', () => {
    const event = PURCHASE.replace('2025-10-07T10:00:00Z', '2026-01-05T00:00:00Z');
    assert.equal(interpretRecord(record(event, {}, Date.UTC(2026, 0, 1)), options).kind, 'event');
  });

  test('without any record timestamp is received now', () => {
    assert.equal(eventOf(interpretRecord(record(PURCHASE, {}, -1), options)).record.receivedAtMicros, NOW * 1000);
  });

  test('is too large above EVENTS_MAX_BYTES', () => {
    const large = PURCHASE.replace('"42"', `"${'4'.repeat(1024)}"`);
    assert.match(letterOf(interpretRecord(record(large), options)).detail, /event_too_large/);
  });
});

describe('a record of a receiver', () => {
  test('has the source and the time of its headers, to the microsecond', () => {
    const event = eventOf(interpretRecord(record(PURCHASE, RECEIVED), options));
    assert.equal(event.source, 'shop');
    assert.equal(event.record.receivedAtMicros, Date.UTC(2026, 10, 23, 11) * 1000 + 1);
  });

  test('names its own source before the header does, and the id is computed, never believed', () => {
    const own = PURCHASE.replace('{"user_id"', '{"source":"default","user_id"');
    const event = eventOf(
      interpretRecord(record(own, { ...RECEIVED, 'kero-id': '00000000-0000-8000-8000-000000000000' }), options),
    );
    assert.equal(event.source, 'default');
    assert.equal(formatUuid(event.id), PURCHASE_ID);
  });

  test('is not checked again for schema and size, which a receiver with other settings may have let pass', () => {
    const loose = PURCHASE.replace('9.99', `"9,99${'9'.repeat(1024)}"`);
    assert.equal(interpretRecord(record(loose, RECEIVED), options).kind, 'event');
  });

  test('measures "not in the future" against the moment it was received', () => {
    const soon = PURCHASE.replace('2025-10-07T10:00:00Z', '2026-11-24T10:59:00Z');
    assert.equal(interpretRecord(record(soon, RECEIVED), { ...options, nowMs: NOW - 10 * HOUR }).kind, 'event');
    const later = PURCHASE.replace('2025-10-07T10:00:00Z', '2026-11-24T11:01:00Z');
    assert.equal(interpretRecord(record(later, RECEIVED), { ...options, nowMs: NOW + 10 * HOUR }).kind, 'dead_letter');
  });

  test('keeps its id in the dead letter when it turns out not to be an event', () => {
    const letter = letterOf(interpretRecord(record('{}', RECEIVED), options));
    assert.equal(letter.reason, 'invalid');
    assert.equal(letter.id && formatUuid(letter.id), PURCHASE_ID);
    assert.match(letter.detail, /user_id/);
  });
});

describe('what is not an event', () => {
  test('a tombstone, bytes that are not UTF-8, not JSON, or not an object', () => {
    for (const value of [null, Buffer.from([0xff]), '', 'hello', '{"a":', '[]', '1', 'null']) {
      const letter = letterOf(interpretRecord(record(value), options));
      assert.equal(letter.reason, 'not_an_event', String(value));
      assert.deepEqual(letter.record.value, typeof value === 'string' ? Buffer.from(value) : value);
    }
  });

  test('a kero-source header that cannot be a source makes the record invalid', () => {
    for (const source of ['', 'x'.repeat(257), 'a\u0000b']) {
      const letter = letterOf(interpretRecord(record(PURCHASE, { ...RECEIVED, 'kero-source': source }), options));
      assert.equal(letter.reason, 'invalid');
      assert.match(letter.detail, /kero-source/);
    }
  });
});

describe('a record that is the replay of a dead letter', () => {
  const replaying = (letter: string, value = PURCHASE) =>
    interpretRecord(record(value, { ...RECEIVED, 'kero-replay-of': letter }), options);

  test('is an event like any other, and remembers the letter in case it fails again', () => {
    const event = eventOf(replaying('12'));
    assert.equal(event.record.replayOf, 12n);
    assert.deepEqual(event.id, eventOf(interpretRecord(record(PURCHASE, RECEIVED), options)).id);
    assert.equal(letterOf(replaying('9223372036854775807', '{}')).record.replayOf, 9_223_372_036_854_775_807n);
  });

  test('is taken as it is when the header names no letter', () => {
    for (const text of ['', '0', '-1', '1.5', 'x', '12 ', '9223372036854775808', '9'.repeat(1000)]) {
      assert.equal(eventOf(replaying(text)).record.replayOf, undefined, text);
    }
  });
});

test('a source may hold any character, U+FFFD included; bytes that are no text cannot be a source', () => {
  const own = PURCHASE.replace('{"user_id"', '{"source":"a\ufffdb","user_id"');
  const headers = { ...RECEIVED, 'kero-source': 'a\ufffdb' };
  assert.equal(eventOf(interpretRecord(record(own, headers), options)).source, 'a\ufffdb');
  assert.equal(eventOf(interpretRecord(record(PURCHASE, headers), options)).source, 'a\ufffdb');
  const broken = { ...record(PURCHASE), headers: [['kero-source', Buffer.from([0xff])] as const] };
  assert.equal(letterOf(interpretRecord(broken, options)).reason, 'invalid');
  const named = { ...record(own), headers: [['kero-source', Buffer.from([0xff])] as const] };
  assert.equal(
    eventOf(interpretRecord(named, options)).source,
    'a\ufffdb',
    'a body that names its source needs no header',
  );
});

describe('filters and retention', () => {
  test('an event that the filter does not store is skipped', () => {
    assert.deepEqual(interpretRecord(record(PURCHASE), { ...options, stores: (type) => type !== 'purchase' }), {
      kind: 'skipped',
    });
  });

  test('an event older than EVENTS_RETENTION is expired, measured by the clock of now', () => {
    const year = 365 * 24 * HOUR;
    const at = (nowMs: number) => ({
      ...options,
      eventSettings: { ...options.eventSettings, retentionMs: year },
      nowMs,
    });
    const event = eventOf(interpretRecord(record(PURCHASE, RECEIVED), at(Date.UTC(2026, 9, 7, 9))));
    const letter = letterOf(interpretRecord(record(PURCHASE, RECEIVED), at(Date.UTC(2026, 9, 7, 11))));
    assert.equal(letter.reason, 'expired');
    assert.deepEqual(letter.id, event.id);
  });
});
