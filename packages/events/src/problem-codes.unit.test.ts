import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ParseOptions } from './event.ts';
import { parseEvent } from './parse-event.ts';
import { type ProblemCode, problemCodes } from './problem-codes.ts';
import { builtInTypeSchemas, type TypeSchemas } from './type-schemas.ts';

const options: ParseOptions = {
  nowMs: Date.UTC(2026, 10, 24),
  maxFutureMs: 0,
  retentionMs: 365 * 86_400_000,
  maxBytes: 4_096,
  defaultSource: 'default',
  typeSchemas: {
    find: (eventType) => (eventType === 'secret' ? 'refused' : builtInTypeSchemas.find(eventType)),
  } satisfies TypeSchemas,
};

/** An event with other text for one of its members. */
function event(change: Readonly<Record<string, string>> = {}): string {
  const members = {
    user_id: '"user-1"',
    event_type: '"view"',
    event_timestamp: '"2026-10-07T10:00:00Z"',
    event_data: '{}',
    ...change,
  };
  const texts = Object.entries(members).map(([name, value]) => `"${name}":${value}`);
  return `{${texts.join()}}`;
}

/** For each code a text that has this one problem and no other. */
const examples: Readonly<Record<ProblemCode, string | Buffer>> = {
  empty_body: '',
  byte_order_mark: `\ufeff${event()}`,
  invalid_utf8: Buffer.from([0x22, 0xc3, 0x22]),
  invalid_json: '{"user_id"',
  event_too_large: event({ event_data: `{"a":"${'x'.repeat(4_096)}"}` }),
  not_an_object: '[]',
  missing_member: '{"user_id":"u","event_type":"t","event_data":{},"event_timestamp":"2026-10-07T10:00:00Z"}'.replace(
    '"user_id":"u",',
    '',
  ),
  unknown_member: event({ colour: '1' }),
  duplicate_member: event({ event_data: '{"a":1,"a":1}' }),
  wrong_type: event({ user_id: '1' }),
  too_short: event({ user_id: '""' }),
  too_long: event({ event_type: `"${'t'.repeat(129)}"` }),
  schema_mismatch: event({ event_type: '"purchase"', event_data: '{"item_id":"1","price":"free"}' }),
  null_character: event({ user_id: '"\\u0000"' }),
  lone_surrogate: event({ user_id: '"\\ud800"' }),
  number_too_long: event({ event_data: `{"a":${'1'.repeat(1_001)}}` }),
  number_out_of_range: event({ event_data: '{"a":1e309}' }),
  nested_too_deep: event({ event_data: `{"a":${'['.repeat(31)}${']'.repeat(31)}}` }),
  invalid_timestamp: event({ event_timestamp: '"today"' }),
  timestamp_out_of_range: event({ event_timestamp: '"1969-12-31T00:00:00Z"' }),
  timestamp_in_future: event({ event_timestamp: '"2027-01-01T00:00:00Z"' }),
  expired: event({ event_timestamp: '"2025-01-01T00:00:00Z"' }),
  unknown_event_type: event({ event_type: '"secret"' }),
  too_many_problems: event({ event_data: `[${'1e999,'.repeat(200)}1]` }),
};

test('the event that the examples change is itself right', () => {
  assert.ok(parseEvent(Buffer.from(event()), options).ok);
});

test('every code in the table has an example', () => {
  assert.deepEqual(Object.keys(examples).sort(), Object.keys(problemCodes).sort());
});

for (const [code, text] of Object.entries(examples)) {
  test(`${code} is what its example gets`, () => {
    const result = parseEvent(Buffer.from(text), options);
    assert.ok(!result.ok);
    const codes = result.problems.map((problem) => problem.code);
    if (code === 'too_many_problems') assert.equal(codes.at(-1), code);
    else assert.deepEqual(codes, [code]);
    for (const problem of result.problems) assert.match(problem.detail, /^[A-Z].*\.$/, 'a detail is a sentence');
  });
}

test('every meaning in the table is a sentence', () => {
  for (const meaning of Object.values(problemCodes)) assert.match(meaning, /^\S.*\.$/);
});
