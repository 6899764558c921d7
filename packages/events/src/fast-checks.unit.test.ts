import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { isPlainEvent } from './fast-checks.ts';
import type { JsonObject } from './json/json-value.ts';
import { eventSchema } from './schemas.ts';

const ajv = new Ajv2020({ allowUnionTypes: true });
const keepsEventSchema = ajv.compile(eventSchema);

const timestamp = '2025-10-07T10:00:00Z';
const text = (limit: number) =>
  fc.oneof(
    fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }),
    fc.constantFrom('', 'x', 'x'.repeat(limit), 'x'.repeat(limit + 1), '🦊'.repeat(limit), '🦊'.repeat(limit + 1)),
  );
const anything = fc.oneof(fc.jsonValue(), fc.constantFrom('', null, 0, [], {}, 'x', timestamp));
/** Mostly what is right, sometimes what is not: both answers must be common. */
const mostly = (right: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 12, arbitrary: right }, { weight: 1, arbitrary: anything });
const withExtras = (members: fc.Arbitrary<object>) =>
  fc
    .tuple(
      members,
      fc.oneof(
        { weight: 8, arbitrary: fc.constant({}) },
        fc.dictionary(fc.string({ maxLength: 4 }), anything, { maxKeys: 2 }),
      ),
    )
    .map(([known, extra]) => ({ ...extra, ...known }) as JsonObject);

const events = withExtras(
  fc.record(
    {
      user_id: mostly(text(256)),
      event_type: mostly(text(128)),
      event_timestamp: mostly(fc.constant(timestamp)),
      event_data: mostly(fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 2 })),
      event_id: mostly(text(200)),
      source: mostly(text(256)),
    },
    { requiredKeys: ['user_id', 'event_timestamp'] },
  ),
);
describe('the fast checks', () => {
  test('isPlainEvent says yes only where the event schema does (and parseTimestamp checks the pattern)', () => {
    let yes = 0;
    fc.assert(
      fc.property(events, (event) => {
        if (!isPlainEvent(event)) return;
        yes++;
        assert.ok(keepsEventSchema({ ...event, event_timestamp: timestamp }), JSON.stringify(event));
      }),
      { numRuns: 5_000 },
    );
    assert.ok(yes > 100, `only ${yes} of the events were plain: the property shows nothing`);
  });

  test('the common event is plain, so that it never pays for the schemas', () => {
    const data = { item_id: '42', price: '19.90', tags: ['gift'], currency: 'EUR' };
    const event = { user_id: 'u', event_type: 'purchase', event_timestamp: timestamp, event_data: data };
    assert.ok(isPlainEvent(event));
    assert.ok(isPlainEvent({ ...event, event_id: 'e', source: 's' }));
  });
});
