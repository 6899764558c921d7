import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { parseJson } from '../../../../test/support/parse-json.ts';
import type { MemberSpans, ParseOptions, ParseResult } from '../event.ts';
import { JsonArrayItems } from '../json/json-array-items.ts';
import { jsonTestSuite } from '../json/json-test-suite.ts';
import { parseAnyEvent, parseEvent, parseRecordItem } from '../parse-event.ts';
import { type RecordItem, recordItemOf } from '../parsed-item.ts';
import { compileUserSchema } from '../schema-check.ts';
import { edited, eventText, usual } from '../test-support/arbitrary-event-texts.ts';
import { builtInTypeSchemas, type TypeSchemas } from '../type-schemas.ts';
import { EventSpans } from './scan-event.ts';

const userSchema = compileUserSchema({
  required: ['constructor'],
  properties: { price: { multipleOf: 0.01 }, tags: { maxItems: 2 } },
});
const typeSchemas: TypeSchemas = {
  find: (type) => {
    if (type === 'own') return { label: 'own/1', check: userSchema };
    return type === 'refused' || type === 'not_loaded' ? type : builtInTypeSchemas.find(type);
  },
};
const options: ParseOptions = {
  nowMs: Date.UTC(2026, 10, 24),
  maxFutureMs: 86_400_000,
  retentionMs: 365 * 86_400_000,
  maxBytes: 4_096,
  defaultSource: 'default',
  typeSchemas,
};

describe('a plain event', () => {
  test('is parsed into what the slow way makes of it, whatever its members are', { timeout: 300_000 }, () => {
    let accepted = 0;
    let plain = 0;
    fc.assert(
      fc.property(eventText, (text) => {
        const bytes = Buffer.from(text);
        if (sameBothWays(bytes)) accepted++;
        if (new EventSpans().scanText(bytes)) plain++;
      }),
      { numRuns: 20_000 },
    );
    assert.ok(
      accepted > 3_000 && plain > 3_000,
      `only ${accepted} accepted, ${plain} plain: the property shows nothing`,
    );
  });

  test('is parsed into what the slow way makes of it, whatever bytes are changed', { timeout: 300_000 }, () => {
    let accepted = 0;
    fc.assert(
      fc.property(edited, (bytes) => {
        if (sameBothWays(bytes)) accepted++;
      }),
      { numRuns: 20_000 },
    );
    assert.ok(accepted > 300, `only ${accepted} were accepted: the property shows nothing`);
  });

  test('has the grammar of JSON: every case of JSONTestSuite as event, as event_data and in it', () => {
    const event = (inner: Buffer) =>
      Buffer.concat([
        Buffer.from('{"user_id":"u","event_type":"view","event_timestamp":"2026-10-07T10:00:00Z","event_data":'),
        inner,
        Buffer.from('}'),
      ]);
    let accepted = 0;
    for (const { bytes } of jsonTestSuite) {
      sameBothWays(bytes);
      sameBothWays(event(bytes));
      if (sameBothWays(event(Buffer.concat([Buffer.from('{"a":'), bytes, Buffer.from('}')])))) accepted++;
    }
    assert.ok(accepted > 50, `only ${accepted}`);
  });

  test('is none when a rule is broken that random events seldom break', () => {
    const members = {
      user_id: '"u"',
      event_type: '"purchase"',
      event_timestamp: '"2026-10-07T10:00:00Z"',
      event_data: '{"item_id":"1","price":1,"tags":["a"]}',
      event_id: '"e"',
      source: '"s"',
    };
    const write = (all: Readonly<Record<string, string>>, more = '') =>
      Buffer.from(`{${Object.entries(all).map(([name, text]) => `"${name}":${text}`)}${more}}`);
    assert.ok(sameBothWays(write(members)));
    for (const [name, text] of Object.entries(members)) {
      assert.ok(!sameBothWays(write(members, `,"${name}":${text}`)), `${name} twice`);
    }
    const limits = { user_id: 256, event_type: 128, event_id: 200, source: 256 };
    for (const [name, limit] of Object.entries(limits)) {
      assert.ok(sameBothWays(write({ ...members, [name]: `"${'x'.repeat(limit)}"` })), `${name} at its limit`);
      assert.ok(!sameBothWays(write({ ...members, [name]: `"${'x'.repeat(limit + 1)}"` })), `${name} beyond it`);
      assert.ok(!sameBothWays(write({ ...members, [name]: '""' })), `${name} without a character`);
    }
    for (const depth of [30, 31]) {
      const event_data = `{"item_id":"1","price":1,"a":${'['.repeat(depth)}${']'.repeat(depth)}}`;
      assert.equal(sameBothWays(write({ ...members, event_data })), depth === 30, `${depth} arrays`);
    }
    for (const day of ['2026-02-29', '2026-02-30', '2026-04-31', '2026-06-31', '2026-09-31']) {
      assert.ok(!sameBothWays(write({ ...members, event_timestamp: `"${day}T10:00:00Z"` })), day);
    }
    for (const time of [
      '24:00:00',
      '23:60:00',
      '23:59:60',
      '10:00:00.',
      '10:00:00.1234567890',
      '10:00:00.12x',
      '1x:00:00',
    ]) {
      assert.ok(!sameBothWays(write({ ...members, event_timestamp: `"2026-10-07T${time}Z"` })), time);
    }
    for (const tags of ['[1]', '["a",1]', '["a",{}]', '[null]', '"a"', '{"a":"b"}']) {
      assert.ok(!sameBothWays(write({ ...members, event_data: `{"item_id":"1","price":1,"tags":${tags}}` })), tags);
    }
    for (const price of ['1e2', '"1e2"', '1e', '1e400', '"01"', '"1."', '""', '"1 "', 'null']) {
      const accepted = sameBothWays(write({ ...members, event_data: `{"item_id":"1","price":${price}}` }));
      assert.equal(accepted, price === '1e2', price);
    }
  });

  test('in an array is what it is alone, and breaks the array where it breaks the grammar', {
    timeout: 300_000,
  }, () => {
    let arrays = 0;
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            edited,
            eventText.map((text) => Buffer.from(text)),
          ),
          { maxLength: 3 },
        ),
        (texts) => {
          const body = Buffer.from(`[${texts.map((text) => text.toString()).join(',')}]`);
          const items = new JsonArrayItems(body);
          const found: Buffer[] = [];
          for (let item = items.next(); item !== undefined; item = items.next()) {
            if (item === null) continue;
            const expected = parseAnyEvent(item, options);
            assert.deepEqual(parseRecordItem(item, options, items.spans), recordOf(item, expected));
            assert.deepEqual(membersOf(parseEvent(item, options, items.spans)), expected);
            found.push(item);
          }
          const expected = jsonArray(body);
          assert.equal(items.problem === undefined, expected !== undefined);
          if (expected === undefined) return;
          arrays++;
          assert.deepEqual(
            found.map((item) => parseJson(item.toString())),
            expected,
          );
        },
      ),
      { numRuns: 5_000 },
    );
    assert.ok(arrays > 500, `only ${arrays} were arrays: the property shows nothing`);
  });

  test('does not stay in memory with what it is a view of, once it was read', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const read = (parse: typeof parseEvent | typeof parseRecordItem, text: Buffer) => {
      parse(text, options);
      return new WeakRef(text.buffer);
    };
    const whole = read(parseEvent, Buffer.from(Buffer.alloc(100_000, usual).buffer, 0, usual.length));
    const broken = read(parseRecordItem, Buffer.from(Buffer.alloc(100_000, usual).buffer, 0, 100));
    // What a WeakRef was made of stays until the end of the turn.
    await new Promise(setImmediate);
    collectGarbage();
    assert.deepEqual([whole.deref(), broken.deref()], [undefined, undefined]);
  });

  test('is what clients usually send: with white space, escapes in event_data, other scripts, and members in any order', () => {
    for (const text of [
      usual.toString(),
      JSON.stringify(JSON.parse(usual.toString()), null, 2),
      '\n{"event_data":{},"event_type":"view","event_timestamp":"2026-10-07T10:00:00Z","user_id":"ж"}\n',
    ]) {
      assert.ok(new EventSpans().scanText(Buffer.from(text)), text);
      assert.ok(parseEvent(Buffer.from(text), options).ok, text);
    }
  });
});

/** Whether it is an event. */
function sameBothWays(bytes: Buffer): boolean {
  const result = parseEvent(bytes, options);
  const expected = parseAnyEvent(bytes, options);
  assert.deepEqual(membersOf(result), expected);
  assert.deepEqual(parseRecordItem(bytes, options), recordOf(bytes, expected));
  return result.ok;
}

/** With members instead of what makes them when they are asked for, and the spans, where there are any, found to be the same. */
function membersOf(result: ParseResult): ParseResult {
  if (!result.ok) return result;
  const { id, userId, eventType, timestampMicros, eventData, eventId, source, schema, spans } = result.event;
  const event = { id, userId, eventType, timestampMicros, eventData, eventId, source, schema };
  if (spans) assert.deepEqual(membersIn(spans), { id, userId, eventType, eventData, eventId });
  return { ok: true, event };
}

function membersIn(spans: MemberSpans) {
  const { bytes, userIdStart, userIdEnd, eventTypeStart, eventTypeEnd, eventIdStart, eventIdEnd, dataStart, dataEnd } =
    spans;
  const id = Buffer.alloc(18, 1);
  spans.writeId(id, 1);
  assert.deepEqual([id[0], id[17]], [1, 1]);
  return {
    id: id.subarray(1, 17),
    userId: bytes.toString('utf8', userIdStart, userIdEnd),
    eventType: bytes.toString('utf8', eventTypeStart, eventTypeEnd),
    eventData: bytes.subarray(dataStart, dataEnd),
    eventId: eventIdStart === 0 ? undefined : bytes.toString('utf8', eventIdStart, eventIdEnd),
  };
}

function recordOf(value: Buffer, parsed: ParseResult): RecordItem {
  return parsed.ok ? recordItemOf({ ok: true, event: parsed.event, value, extensions: [] }) : parsed;
}

function jsonArray(body: Buffer): unknown[] | undefined {
  try {
    return parseJson(body.toString()) as unknown[];
  } catch {
    return undefined;
  }
}
