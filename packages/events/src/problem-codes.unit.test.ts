import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseBinaryCloudEvent } from './cloud-events/parse-binary-cloud-event.ts';
import { parseCloudEvent } from './cloud-events/parse-cloud-event.ts';
import type { ParseOptions, ParseResult } from './event.ts';
import { JsonArrayItems } from './json/json-array-items.ts';
import { parseEvent } from './parse-event.ts';
import type { ParsedItem } from './parsed-item.ts';
import { type ProblemCode, problemCodes } from './problem-codes.ts';
import { compileUserSchema } from './schema-check.ts';
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

/** A CloudEvent with other values for some of its members. */
function cloudEvent(change: Readonly<Record<string, unknown>> = {}): Buffer {
  const members = {
    specversion: '1.0',
    id: '1',
    source: '/shop',
    type: 'view',
    subject: 'u',
    time: '2026-10-07T10:00:00Z',
  };
  return Buffer.from(JSON.stringify({ ...members, data: {}, ...change }));
}

const CLOUD_EVENT_HEADERS = [
  ...['ce-specversion', '1.0', 'ce-id', '1', 'ce-source', '/shop', 'ce-type', 'view'],
  ...['ce-subject', 'u', 'ce-time', '2026-10-07T10:00:00Z'],
];

/** Of a body that should be a batch. */
function readArray(text: string): ParsedItem {
  const items = new JsonArrayItems(Buffer.from(text));
  items.next();
  return { ok: false, kind: 'syntax', problems: items.problem ? [items.problem] : [] };
}

type Read = () => ParseResult | ParsedItem;

/** A schema that can be applied to nothing that has the member `loop`. */
// biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema.
const endless = compileUserSchema({ if: { required: ['loop'] }, then: { $ref: '#' } });

function withEndlessSchema(text: string): ParseResult {
  return parseEvent(Buffer.from(text), { ...options, typeSchemas: { find: () => ({ label: 'x', check: endless }) } });
}

/** For each of the codes that only CloudEvents and batches have one that has this one problem and no other. */
const otherExamples = {
  schema_failed: () => withEndlessSchema(event({ event_data: '{"loop":1}' })),
  not_an_array: () => readArray('{}'),
  unsupported_specversion: () => parseCloudEvent(cloudEvent({ specversion: '0.3' }), options),
  invalid_attribute_name: () => parseCloudEvent(cloudEvent({ userId: 'u' }), options),
  invalid_attribute: () => parseCloudEvent(cloudEvent({ source: 'my shop' }), options),
  invalid_header: () =>
    parseBinaryCloudEvent([...CLOUD_EVENT_HEADERS, 'ce-colour', 'gr\u00fcn'], Buffer.from('{}'), options),
  too_many_extensions: () =>
    parseCloudEvent(cloudEvent(Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`x${n}`, 1]))), options),
  unsupported_data: () => parseCloudEvent(cloudEvent({ datacontenttype: 'text/xml' }), options),
} satisfies Partial<Record<ProblemCode, Read>>;

/** For each other code a text that has this one problem and no other. */
const examples: Readonly<Record<Exclude<ProblemCode, keyof typeof otherExamples>, string | Buffer>> = {
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

const reads: readonly (readonly [code: string, read: Read])[] = [
  ...Object.entries(examples).map(([code, text]) => [code, () => parseEvent(Buffer.from(text), options)] as const),
  ...Object.entries(otherExamples),
];

test('the events that the examples change are themselves right', () => {
  assert.ok(parseEvent(Buffer.from(event()), options).ok);
  assert.ok(parseCloudEvent(cloudEvent(), options).ok);
  const many = Object.fromEntries(Array.from({ length: 64 }, (_, n) => [`x${n}`, 1]));
  assert.ok(parseCloudEvent(cloudEvent(many), options).ok);
  assert.ok(parseBinaryCloudEvent(CLOUD_EVENT_HEADERS, Buffer.from('{}'), options).ok);
});

test('every code in the table has an example', () => {
  assert.deepEqual(reads.map(([code]) => code).sort(), Object.keys(problemCodes).sort());
});

for (const [code, read] of reads) {
  test(`${code} is what its example gets`, () => {
    const result = read();
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
