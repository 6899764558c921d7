import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RecordParts } from '@kero/events';
import type { NewRecord } from '@kero/messaging';
import { createEventRecordMaker } from './event-record.ts';

const BODY = Buffer.from('{}');

function parsed(members: Partial<RecordParts>): RecordParts {
  const userId = Buffer.from('u');
  const common = { ok: true, id: Buffer.alloc(16), userId, value: BODY, extensions: [] } as const;
  return { ...common, source: 'default', schema: undefined, ...members };
}

/** All of them, in the order of the record. */
function pairs({ headers, sharedHeaders = [] }: NewRecord) {
  return [...headers, ...sharedHeaders].map(([name, value]) => [name, value.toString()] as const);
}

function headers(record: NewRecord) {
  return Object.fromEntries(pairs(record));
}

test('what one record has, the next one has only if it is its own', () => {
  const make = createEventRecordMaker();
  const origin = { id: Buffer.from('id-1'), receivedAtMs: 0, traceparent: undefined };
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  const records = [
    make(parsed({ source: 'shop' }), { ...origin, traceparent }),
    make(parsed({ source: 'shop' }), origin),
    make(parsed({}), { ...origin, id: Buffer.from('id-2'), receivedAtMs: 1 }),
    make(parsed({ source: 'shop' }), origin),
  ].map(headers);
  assert.deepEqual(
    records.map((it) => [it['kero-id'], it['kero-source'], it['kero-received-at'], it.traceparent]),
    [
      ['id-1', 'shop', '1970-01-01T00:00:00.000Z', traceparent],
      ['id-1', 'shop', '1970-01-01T00:00:00.000Z', undefined],
      ['id-2', 'default', '1970-01-01T00:00:00.001Z', undefined],
      ['id-1', 'shop', '1970-01-01T00:00:00.000Z', undefined],
    ],
  );
});

test('a traceparent that is not one does not travel', () => {
  const make = createEventRecordMaker();
  const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
  const parent = '00f067aa0ba902b7';
  for (const traceparent of [
    '',
    `ff-${trace}-${parent}-01`,
    `00-${'0'.repeat(32)}-${parent}-01`,
    `00-${trace}-${'0'.repeat(16)}-01`,
    `00-${trace.toUpperCase()}-${parent}-01`,
    `00-${trace}-${parent}-01\n`,
    `00-${trace}-${parent}-01, 00-${trace}-${parent}-01`,
    [`00-${trace}-${parent}-01`],
  ]) {
    const record = make(parsed({}), { id: Buffer.alloc(0), receivedAtMs: 0, traceparent });
    assert.equal(headers(record).traceparent, undefined, String(traceparent));
  }
});

test('schema and extensions travel as headers, in their order', () => {
  const make = createEventRecordMaker();
  const origin = { id: Buffer.from('id-1'), receivedAtMs: 0, traceparent: undefined };
  const record = make(
    parsed({
      schema: 'visit/2',
      extensions: [
        ['b', 'ü'],
        ['a', ''],
      ],
    }),
    origin,
  );
  assert.deepEqual(pairs(record).slice(4), [
    ['kero-schema', 'visit/2'],
    ['ce_b', 'ü'],
    ['ce_a', ''],
  ]);
  assert.equal(pairs(make(parsed({}), origin)).length, 4);
});

test('records one after the other share all headers but the id, as long as those are the same', () => {
  const make = createEventRecordMaker();
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  const origin = { id: Buffer.from('id-1'), receivedAtMs: 0, traceparent };
  const first = make(parsed({ schema: 'visit/2' }), origin);
  assert.deepEqual(
    pairs(first).map(([name]) => name),
    ['kero-id', 'kero-source', 'kero-received-at', 'content-type', 'traceparent', 'kero-schema'],
  );
  const second = make(parsed({ schema: 'visit/2' }), { ...origin, id: Buffer.from('id-2') });
  assert.equal(second.sharedHeaders, first.sharedHeaders);
  assert.deepEqual(pairs(second), [['kero-id', 'id-2'], ...pairs(first).slice(1)]);
  for (const [members, change] of [
    [{ source: 'shop' }, {}],
    [{ schema: 'visit/3' }, {}],
    [{}, { receivedAtMs: 1 }],
    [{}, { traceparent: undefined }],
  ] as const) {
    const other = make(parsed({ schema: 'visit/2', ...members }), { ...origin, ...change });
    assert.notDeepEqual(other.sharedHeaders, first.sharedHeaders);
    assert.deepEqual(make(parsed({ schema: 'visit/2' }), origin), first);
  }
});
