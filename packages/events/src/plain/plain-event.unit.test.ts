import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { parseJson } from '../../../../test/support/parse-json.ts';
import type { ParseOptions, ParseResult } from '../event.ts';
import { JsonArrayItems } from '../json/json-array-items.ts';
import { jsonTestSuite } from '../json/json-test-suite.ts';
import { parseAnyEvent, parseEvent, parseRecordItem } from '../parse-event.ts';
import { type RecordItem, recordItemOf } from '../parsed-item.ts';
import { compileUserSchema } from '../schema-check.ts';
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

/** Mostly what is right, sometimes what is not: both answers must be common. */
const mostly = (right: fc.Arbitrary<string>, wrong: fc.Arbitrary<string>) =>
  fc.oneof({ weight: 60, arbitrary: right }, { weight: 1, arbitrary: wrong });
const space = fc.oneof(
  { weight: 200, arbitrary: fc.constant('') },
  { weight: 40, arbitrary: fc.constantFrom(' ', '\n', '\t', '\r\n', ' \n ') },
  { weight: 1, arbitrary: fc.constantFrom('\f', '\u00a0', '\v') },
);
const stringText = mostly(
  fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 8 }).map((text) => JSON.stringify(text)),
    fc.constantFrom('"42"', '"19.90"', '"ä🦊"', '"-0"', '"01"', '"1."', '"1e5"', '""', '"\\u0041"', '"\\n\\/\\""'),
    fc.constantFrom('"\\ud83e\\udd8a"', '"\u007f"', '"\\uD7ff\\uE000"'),
  ),
  fc.oneof(
    fc.string({ unit: 'binary', maxLength: 4 }).map((text) => JSON.stringify(text)),
    fc.constantFrom('"\\ud83e"', '"\\udd8a"', '"\\u0000"', '"\\uD83Ex"', '"\\ud83e\\u0041"', '"\\udd8a\\udd8a"'),
    fc.constantFrom('"\\x"', '"\\u12g4"', '"\\u12', '"\t"', "'a'", '"', '"\\'),
  ),
);
const numberText = mostly(
  fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
    fc.integer().map(String),
    fc.constantFrom('0', '-0', '0.0', '19.90', '1e5', '9007199254740993'),
    fc.constantFrom('9'.repeat(99), '9'.repeat(100), '9'.repeat(101)),
  ),
  fc.oneof(
    fc.constantFrom('1E400', '0e-99999', '9'.repeat(400), `0.${'0'.repeat(400)}1`),
    fc.constantFrom('01', '-', '1.', '.5', '+1', '0x1', 'NaN', '-.1', '00', '1.e3', '1-1'),
  ),
);
const wordText = mostly(fc.constantFrom('true', 'false', 'null'), fc.constantFrom('tru', 'nulll', 'True', ''));
const names = [
  'item_id',
  'price',
  'tags',
  'constructor',
  '__proto__',
  'a',
  'b',
  'user_id',
  'ä',
  '',
  'item\\u005fid',
  'x'.repeat(70),
];
const nameText = fc.oneof(fc.constantFrom(...names), fc.string({ maxLength: 3 })).map((name) => `"${name}"`);
const { value, data } = fc.letrec<{ value: string; data: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    stringText,
    numberText,
    wordText,
    container('[]', fc.array(padded(tie('value')), { maxLength: 4 })),
    tie('data'),
  ),
  data: container('{}', fc.array(member(nameText, tie('value')), { maxLength: 4 })),
}));
const purchaseData = container(
  '{}',
  fc
    .tuple(
      member(fc.constant('"item_id"'), mostly(stringText, value)),
      member(fc.constant('"price"'), mostly(fc.oneof(numberText, fc.constant('"19.90"')), value)),
      member(fc.constant('"tags"'), mostly(container('[]', fc.array(padded(stringText), { maxLength: 3 })), value)),
      member(nameText, value),
      member(fc.constant('"constructor"'), value),
    )
    .chain((members) => fc.shuffledSubarray(members, { minLength: 2 })),
);
const nested = fc.integer({ min: 25, max: 35 }).map((depth) => `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`);
const wide = fc.integer({ min: 28, max: 36 }).map((count) => {
  return `{${Array.from({ length: count }, (_, index) => `"m${index}":${index}`).join(',')},"m3":0}`;
});
const limitText = (limit: number) =>
  fc
    .tuple(fc.constantFrom('x', 'ä', '🦊'), fc.constantFrom(1, limit >> 2, limit - 1, limit))
    .map(([character, count]) => JSON.stringify(character.repeat(count)));
const textOf = (limit: number) =>
  mostly(
    fc.oneof(fc.constantFrom('"u-1"', '"shop"', '"ä"'), limitText(limit)),
    fc.oneof(stringText, numberText, data, wordText, fc.constant(`"${'x'.repeat(limit + 1)}"`)),
  );
const dateText = (min: string, max: string) =>
  fc.date({ min: new Date(min), max: new Date(max), noInvalidDate: true }).map((date) => date.toISOString());
const wrongDates = ['2026-02-29', '2026-13-01', '2026-00-10', '2026-10-00', '2026-11-31', '2O26-10-01', '2025-11-24'];
const wrongTimes = ['24:00:00', '23:59:60', '23:60:00', '1:00:000', '10-00:00', '10:00-00', ':0:00:00', '10:0/:00'];
const timestamp = fc.oneof(
  { weight: 9, arbitrary: dateText('2026-01-01', '2026-11-20') },
  { weight: 1, arbitrary: dateText('1969-12-01', '2149-02-01') },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        mostly(fc.constantFrom('2026-02-28', '2026-10-31', '2025-12-01'), fc.constantFrom(...wrongDates)),
        mostly(fc.constant('T'), fc.constantFrom('t', ' ', '_')),
        mostly(fc.constantFrom('10:00:00', '23:59:59', '00:00:00'), fc.constantFrom(...wrongTimes)),
        mostly(
          fc.constantFrom('', '.1', '.123456', '.000001', '.123456789'),
          fc.constantFrom('.', '.1234567890', '.12x', ',5', '.-1', '.1234567x', '0'),
        ),
        mostly(fc.constantFrom('Z', '+02:00'), fc.constantFrom('z', '-00:00', '', '+24:00', 'ZZ')),
      )
      .map((parts) => parts.join('')),
  },
);
const requiredMembers = fc.tuple(
  member(fc.constant('"user_id"'), textOf(256)),
  member(
    fc.constant('"event_type"'),
    mostly(
      fc.constantFrom('"purchase"', '"view"', '"own"'),
      fc.oneof(textOf(128), fc.constantFrom('"refused"', '"not_loaded"')),
    ),
  ),
  member(
    fc.constant('"event_timestamp"'),
    mostly(
      timestamp.map((text) => `"${text}"`),
      value,
    ),
  ),
  member(fc.constant('"event_data"'), mostly(fc.oneof(purchaseData, data), fc.oneof(value, nested, wide))),
);
const optionalMembers = fc.tuple(
  member(fc.constant('"event_id"'), textOf(200)),
  member(fc.constant('"source"'), textOf(256)),
  member(fc.constantFrom('"user_id"', '"event_type"', '"sourcE"', '"x"', '"user\\u005fid"', '"event_dat_"'), value),
);
const eventText = container(
  '{}',
  fc
    .tuple(
      requiredMembers,
      fc.subarray([0, 1]),
      optionalMembers,
      fc.integer({ max: 24, min: 0 }),
      fc.integer({ max: 24, min: 0 }),
    )
    .chain(([required, optional, others, extra, missing]) => {
      const members = required.filter((_, index) => index !== missing);
      for (const index of optional) members.push(others[index] as string);
      if (extra === 0) members.push(others[2]);
      return fc.shuffledSubarray(members, { minLength: members.length });
    }),
);

const usual = Buffer.from(
  '{"event_id":"e-1","user_id":"u-1","event_type":"purchase","event_timestamp":"2026-10-07T10:00:00.123Z",' +
    '"event_data":{"item_id":"4\\u0032","price":"19.90","tags":["a", "ä🦊"],"nested":{"a":[1,-2.5,null,true,{"a":{}}]}},"source":"shop"}',
);
const edits = fc.array(
  fc.record({
    at: fc.nat(),
    remove: fc.nat(3),
    insert: fc.oneof(
      fc.uint8Array({ maxLength: 2 }),
      fc
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
          '0',
          '1e400',
          '\\u0000',
          '\\ud800',
          '"user_id":',
          ',"price":1',
          ' ',
          '\n',
          '',
          '\ufeff',
        )
        .map((text) => Buffer.from(text)),
    ),
  }),
  { minLength: 1, maxLength: 3 },
);
const edited = fc
  .tuple(
    fc.oneof(
      fc.constant(usual),
      eventText.map((text) => Buffer.from(text)),
    ),
    edits,
  )
  .map(([seed, list]) =>
    list.reduce((before, { at, remove, insert }) => {
      const start = at % (before.length + 1);
      return Buffer.concat([before.subarray(0, start), insert, before.subarray(start + remove)]);
    }, seed),
  );

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
            assert.deepEqual(parseEvent(item, options, items.spans), expected);
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
  assert.deepEqual(result, expected);
  assert.deepEqual(parseRecordItem(bytes, options), recordOf(bytes, expected));
  return result.ok;
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

function padded(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(space, text, space).map((parts) => parts.join(''));
}

function member(name: fc.Arbitrary<string>, content: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(padded(name), padded(content)).map(([before, after]) => `${before}:${after}`);
}

function container(brackets: '[]' | '{}', items: fc.Arbitrary<string[]>): fc.Arbitrary<string> {
  return items.map((texts) => `${brackets.charAt(0)}${texts.join(',')}${brackets.charAt(1)}`);
}
