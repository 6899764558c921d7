import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parseJson } from '../../../test/support/parse-json.ts';
import type { ParseOptions } from './event.ts';
import { parseEvent } from './parse-event.ts';
import { problemCodes } from './problem-codes.ts';
import { builtInTypeSchemas } from './type-schemas.ts';

const options: ParseOptions = {
  nowMs: Date.UTC(2026, 10, 24),
  maxFutureMs: 86_400_000,
  retentionMs: undefined,
  maxBytes: 262_144,
  defaultSource: 'default',
  typeSchemas: builtInTypeSchemas,
};
const event = {
  user_id: 'user-1',
  event_type: 'purchase',
  event_timestamp: '2025-10-07T10:00:00.123456+02:00',
  event_data: { item_id: '42', price: 19.9, tags: ['a', 'ä🦊'], nested: { a: [1, -2.5e3, null, true] } },
  event_id: 'order-77',
};

/** Any text PostgreSQL could store: no lone surrogates, no U+0000. */
const storable = fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', ''));
const name = fc.oneof(storable, fc.constantFrom('__proto__', 'constructor', 'toString', 'event_data', '0', ''));
const { data } = fc.letrec<{ value: unknown; data: Record<string, unknown> }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 6, depthSize: 'small' },
    fc.constantFrom(null, true, false),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer(),
    storable,
    fc.array(tie('value'), { maxLength: 4 }),
    tie('data'),
  ),
  data: fc.dictionary(name, tie('value'), { maxKeys: 5 }),
}));

describe('parseEvent', () => {
  test('accepts every JSON object as event_data, and gives back the very text of it', () => {
    fc.assert(
      fc.property(data, fc.constantFrom('', ' ', '\t\n'), (event_data, indent) => {
        const text = JSON.stringify({ ...event, event_type: 'view', event_data }, null, indent);
        const result = parseEvent(Buffer.from(text), options);
        assert.ok(result.ok, result.ok ? '' : JSON.stringify(result.problems));
        assert.ok(text.includes(result.event.eventData.toString()));
        assert.equal(JSON.stringify(parseJson(result.event.eventData.toString())), JSON.stringify(event_data));
      }),
      { numRuns: 1_000 },
    );
  });

  test('answers any bytes with an event, or with problems that are named, placed and printable', {
    timeout: 60_000,
  }, () => {
    const seeds = [JSON.stringify(event), JSON.stringify(event, null, 2), '{"a":'.repeat(40), '[]', '"\\ud83e\\udd8a"'];
    const edit = fc.record({
      at: fc.nat(),
      remove: fc.nat(8),
      insert: fc.oneof(fc.uint8Array({ maxLength: 4 }), fragments),
    });
    const bytes = fc.tuple(fc.constantFrom(...seeds), fc.array(edit, { maxLength: 6 })).map(([seed, edits]) =>
      edits.reduce((before, { at, remove, insert }) => {
        const start = at % (before.length + 1);
        return Buffer.concat([before.subarray(0, start), insert, before.subarray(start + remove)]);
      }, Buffer.from(seed)),
    );
    fc.assert(
      fc.property(fc.oneof(bytes, fc.uint8Array().map(Buffer.from)), (input) => {
        const result = parseEvent(input, options);
        if (result.ok) {
          assert.equal(result.event.id.length, 16);
          assert.equal(typeof JSON.parse(result.event.eventData.toString()), 'object');
          return;
        }
        assert.ok(result.problems.length > 0);
        for (const { pointer, code, detail } of result.problems) {
          assert.ok(code in problemCodes);
          assert.match(pointer, /^(\/([^~]|~[01])*)?$/u);
          assert.ok(!`${pointer}${detail}`.includes('\0') && `${pointer}${detail}`.isWellFormed());
        }
      }),
      { numRuns: 5_000 },
    );
  });
});

const fragments = fc
  .constantFrom(
    '{',
    '}',
    '[',
    ']',
    '"',
    '\\',
    ':',
    ',',
    'null',
    '1e400',
    '0e-99999',
    '\\u0000',
    '\\ud800',
    '"user_id":',
    '"x":{}',
    '\u0000',
  )
  .map((text) => Buffer.from(text));
