import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseEvent } from './parse-event.ts';
import { builtInTypeSchemas, type TypeSchemas } from './type-schemas.ts';

const options = {
  nowMs: Date.parse('2026-11-23T10:00:00Z'),
  maxFutureMs: 0,
  retentionMs: undefined,
  maxBytes: 1024,
  defaultSource: 'default',
};

function parse(event: Record<string, unknown>, typeSchemas: TypeSchemas | undefined = builtInTypeSchemas) {
  const whole = { user_id: 'u', event_timestamp: '2026-11-23T09:00:00Z', ...event };
  return parseEvent(Buffer.from(JSON.stringify(whole)), { ...options, typeSchemas });
}

const absent: TypeSchemas = { find: () => 'not_loaded' };

test('an event tells which schema its data was checked against', () => {
  const purchase = parse({ event_type: 'purchase', event_data: { item_id: '1', price: 1 } });
  assert.equal(purchase.ok && purchase.event.schema, 'built-in:purchase');
  const view = parse({ event_type: 'view', event_data: {} });
  assert.equal(view.ok && view.event.schema, undefined);
});

test('a schema that is not at hand makes no verdict: it names the type to fetch it for', () => {
  const result = parse({ event_type: 'purchase', event_data: {} }, absent);
  assert.deepEqual(result, { ok: false, kind: 'schema_not_loaded', eventType: 'purchase', problems: [] });
});

test('an event that is wrong whatever its schema says is refused without it', () => {
  const result = parse({ event_type: 'purchase', event_data: 1 }, absent);
  assert.ok(!result.ok && result.kind === 'event');
  assert.deepEqual(
    result.problems.map(({ code }) => code),
    ['wrong_type'],
  );
});
