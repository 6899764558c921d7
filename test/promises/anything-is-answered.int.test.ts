import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import { test } from 'node:test';
import { parseEvent } from '@kero/events';
import fc from 'fast-check';
import { startTestReceiver } from '../../apps/receiver/src/receiver-under-test.ts';
import { objectText } from '../support/json-documents.ts';

/** The promise: whatever bytes come, of whatever type, they are accepted or refused, and only events reach the log. */

const EVENT =
  '{"user_id":"u","event_type":"view","event_timestamp":"2026-11-23T09:59:58Z","event_data":{"a":[1.50,"\\ud83e\\udd8a"]}}';

const CLOUD_EVENT =
  '{"specversion":"1.0","id":"1","source":"/s","type":"view","subject":"u","time":"2026-11-23T09:59:58Z","data":{"a":1},"ext":5}';

const CE_HEADERS: readonly (readonly [name: string, value: string])[] = [
  ['ce-specversion', '1.0'],
  ['ce-id', 'a%20b'],
  ['ce-source', '/s'],
  ['ce-type', 'view'],
  ['ce-subject', '"u"'],
  ['ce-time', '2026-11-23T09:59:58Z'],
];

const seed = fc.oneof(
  fc.constantFrom(
    EVENT,
    CLOUD_EVENT,
    `[${EVENT},${EVENT}]`,
    `[${CLOUD_EVENT}]`,
    `${EVENT}\n${EVENT}`,
    '{"a":1}',
    '[]',
    '',
  ),
  objectText(31),
);

const edit = fc.record({
  at: fc.nat(),
  remove: fc.nat(12),
  insert: fc.oneof(
    fc.uint8Array({ maxLength: 4 }).map(Buffer.from),
    fc
      .constantFrom('{', '}', '[', ']', ',', '"', '\\', '\n', '1e400', '\\ud800', '"user_id":', 'null')
      .map(Buffer.from),
  ),
});

const body = fc.tuple(seed, fc.array(edit, { maxLength: 3 })).map(([text, edits]) =>
  edits.reduce((before, { at, remove, insert }) => {
    const start = at % (before.length + 1);
    return Buffer.concat([before.subarray(0, start), insert, before.subarray(start + remove)]);
  }, Buffer.from(text)),
);

const TYPES = [
  'application/json',
  'application/x-ndjson',
  'application/cloudevents+json',
  'application/cloudevents-batch+json',
];

const type = fc.oneof(
  { arbitrary: fc.constantFrom(...TYPES), weight: 8 },
  {
    arbitrary: fc.constantFrom(
      'application/cloudevents',
      'text/json',
      'a/b+json;c="\\"',
      ';',
      'application/json;charset=x',
    ),
    weight: 1,
  },
);

/** Of those that a CloudEvent in binary mode has: all, or some, with values that HTTP allows. */
const headers = fc.oneof(
  fc.constant([]),
  fc.constant(CE_HEADERS),
  fc.array(
    fc.tuple(
      fc.constantFrom(...CE_HEADERS.map(([name]) => name), 'ce-x', 'ce-data', 'ce-a_b'),
      fc.string({ unit: fc.constantFrom('"', '\\', '%', '2', 'F', 'a', ' ', '\t', '\u00ff', '\u00c3', '\u00a4') }),
    ),
    { maxLength: 8 },
  ),
);

test('any bytes with any headers get a 2xx, or a 4xx that is a problem, and only events are in the log', {
  timeout: 120_000,
}, async (t) => {
  const receiver = await startTestReceiver(t);
  const statuses = new Set<number>();
  let accepted = 0;
  const property = fc.asyncProperty(body, type, headers, async (bytes, contentType, ce) => {
    const answer = await receiver.post(bytes, { ...Object.fromEntries(ce), 'content-type': contentType });
    statuses.add(answer.status);
    assert.ok([202, 207, 400, 415, 422].includes(answer.status), `${answer.status} ${answer.text}`);
    if (answer.status >= 400) assert.match(String(answer.json.type), /^urn:kero:problem:/);
    else accepted += answer.json.accepted === undefined ? 1 : Number(answer.json.accepted);
  });
  await fc.assert(property, { numRuns: 1_000, endOnFailure: true });
  for (const status of [202, 400, 415, 422]) assert.ok(statuses.has(status), `no answer was ${status}`);

  const records = await receiver.records();
  assert.equal(records.length, accepted);
  const options = { nowMs: Number.MAX_SAFE_INTEGER / 1_000, maxFutureMs: 0, retentionMs: undefined, maxBytes: 262_144 };
  for (const { value } of records) {
    const text = value ?? Buffer.alloc(0);
    // Beside Kero's own reader those of Node.js, which know nothing of it.
    assert.ok(isUtf8(text), text.toString('hex'));
    assert.doesNotThrow(() => JSON.parse(text.toString()));
    const parsed = parseEvent(text, { ...options, defaultSource: 'default', typeSchemas: undefined });
    assert.ok(parsed.ok, text.toString());
  }
});
