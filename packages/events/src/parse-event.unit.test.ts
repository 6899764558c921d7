import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Event, ParseOptions, ParseResult } from './event.ts';
import { formatUuid } from './identity.ts';
import { parseEvent } from './parse-event.ts';
import { formatTimestamp } from './timestamp.ts';
import { builtInTypeSchemas } from './type-schemas.ts';

const HOUR_MS = 3_600_000;
const nowMs = Date.UTC(2026, 10, 24, 12);
const options: ParseOptions = {
  nowMs,
  maxFutureMs: 24 * HOUR_MS,
  retentionMs: undefined,
  maxBytes: 262_144,
  defaultSource: 'default',
  typeSchemas: builtInTypeSchemas,
};
const members = {
  user_id: 'user-1',
  event_type: 'view',
  event_timestamp: '2025-10-07T10:00:00Z',
  event_data: {},
};

function parse(input: unknown, overrides: Partial<ParseOptions> = {}): ParseResult {
  const text = typeof input === 'string' ? input : JSON.stringify(input);
  return parseEvent(Buffer.from(text), { ...options, ...overrides });
}

function accepted(input: unknown, overrides: Partial<ParseOptions> = {}): Event {
  const result = parse(input, overrides);
  assert.ok(result.ok, result.ok ? '' : JSON.stringify(result.problems));
  return result.event;
}

/** `code pointer` of every problem of a text that is JSON, but not an event. */
function problemsOf(input: unknown, overrides: Partial<ParseOptions> = {}): string[] {
  const result = parse(input, overrides);
  assert.ok(!result.ok, 'must be refused');
  assert.equal(result.kind, 'event');
  return result.problems.map(({ code, pointer }) => `${code} ${pointer}`.trim());
}

function detailOf(input: unknown): string {
  const result = parse(input);
  assert.ok(!result.ok);
  return result.problems.map((problem) => problem.detail).join(' ');
}

describe('an event that keeps every rule', () => {
  test('comes with its members, and its event_data as the bytes that were sent', () => {
    const text = `\n{"event_data" : {"price":19.90, "big":9007199254740993,\n"nested":{"a":[1e0]}} , "user_id":"Zo\\u00eb",
      "event_type":"view","event_timestamp":"2025-10-07T12:00:00.0000015+02:00","event_id":"e-1","source":"shop"}\n`;
    const event = accepted(text);
    assert.equal(event.eventData.toString(), '{"price":19.90, "big":9007199254740993,\n"nested":{"a":[1e0]}}');
    assert.equal(event.userId, 'Zoë');
    assert.equal(event.eventType, 'view');
    assert.equal(event.timestampMicros, Date.UTC(2025, 9, 7, 10) * 1_000 + 1);
    assert.equal(event.eventId, 'e-1');
    assert.equal(event.source, 'shop');
    assert.match(formatUuid(event.id), /^0199be1d-1100-8/);
  });

  test('has no event_id and the default source when it names none', () => {
    const event = accepted(members, { defaultSource: 'till' });
    assert.equal(event.eventId, undefined);
    assert.equal(event.source, 'till');
    assert.notDeepEqual(event.id, accepted(members).id);
  });

  test('shares the memory of the input, also when that is a part of a larger buffer', () => {
    const text = JSON.stringify(members);
    const buffer = Buffer.from(`[${text},${text}]`);
    const result = parseEvent(buffer.subarray(1, 1 + text.length), options);
    assert.ok(result.ok);
    assert.equal(result.event.eventData.buffer, buffer.buffer);
    assert.equal(result.event.eventData.toString(), '{}');
  });
});

describe('the text', () => {
  test('that is not one JSON text in UTF-8 is a syntax problem, and the only one', () => {
    const cases: readonly (readonly [input: string | Buffer, code: string])[] = [
      ['', 'empty_body'],
      [' \n', 'empty_body'],
      [Buffer.from([0xef, 0xbb, 0xbf, 0x7b, 0x7d]), 'byte_order_mark'],
      [Buffer.from([0x22, 0xff, 0x22]), 'invalid_utf8'],
      ['{"user_id":', 'invalid_json'],
      ['{"user_id":"\\u0000"', 'invalid_json'],
      [`${JSON.stringify(members)}{}`, 'invalid_json'],
    ];
    for (const [input, code] of cases) {
      const result = parseEvent(Buffer.from(input), options);
      assert.ok(!result.ok);
      assert.equal(result.kind, 'syntax', code);
      assert.deepEqual(
        result.problems.map((problem) => [problem.pointer, problem.code]),
        [['', code]],
      );
    }
  });

  test('may have maxBytes bytes and not one more', () => {
    const text = JSON.stringify(members);
    accepted(text, { maxBytes: text.length });
    assert.deepEqual(problemsOf(text, { maxBytes: text.length - 1 }), ['event_too_large']);
    assert.deepEqual(problemsOf('x'.repeat(2_000), { maxBytes: 1_999 }), ['event_too_large'], 'not even looked at');
  });

  test('that is JSON, but not an object, is no event', () => {
    for (const text of ['[]', 'null', '1', '"event"', 'true', JSON.stringify([members])]) {
      assert.deepEqual(problemsOf(text), ['not_an_object'], text);
    }
  });
});

describe('members', () => {
  test('that are required are all named when they are absent', () => {
    assert.deepEqual(problemsOf('{}').sort(), [
      'missing_member /event_data',
      'missing_member /event_timestamp',
      'missing_member /event_type',
      'missing_member /user_id',
    ]);
  });

  test('that events do not have are refused, whatever their name', () => {
    const text = `{"userId":1,"__proto__":{"polluted":1},"constructor":2,"a/b":3,"":4,${JSON.stringify(members).slice(1)}`;
    assert.deepEqual(problemsOf(text).sort(), [
      'unknown_member /',
      'unknown_member /__proto__',
      'unknown_member /a~1b',
      'unknown_member /constructor',
      'unknown_member /userId',
    ]);
    assert.equal(({} as { polluted?: unknown }).polluted, undefined);
  });

  test('given twice are refused, at any depth', () => {
    const text = `{"user_id":"u",${JSON.stringify({ ...members, event_data: { a: { b: 1 } } }).slice(1)}`;
    assert.deepEqual(problemsOf(text), ['duplicate_member /user_id']);
    assert.deepEqual(problemsOf(text.replace('"user_id":"u",', '').replace('"b":1', '"b":1,"\\u0062":1')), [
      'duplicate_member /event_data/a/b',
    ]);
  });

  test('that are null are not absent', () => {
    for (const name of ['user_id', 'event_type', 'event_timestamp', 'event_data', 'event_id', 'source']) {
      assert.deepEqual(problemsOf({ ...members, [name]: null }), [`wrong_type /${name}`]);
    }
    assert.match(detailOf({ ...members, event_id: null }), /^Must be a string, not null; leave the member out/);
  });

  test('of the wrong type are refused, with what is wanted and what is there', () => {
    for (const name of ['user_id', 'event_type', 'event_timestamp', 'event_id', 'source']) {
      for (const value of [1, true, [], {}]) {
        assert.deepEqual(problemsOf({ ...members, [name]: value }), [`wrong_type /${name}`]);
      }
    }
    for (const event_data of ['{}', 1, [], false]) {
      assert.deepEqual(problemsOf({ ...members, event_data }), ['wrong_type /event_data']);
    }
    assert.equal(detailOf({ ...members, user_id: 7 }), 'Must be a string, not a number.');
    assert.equal(detailOf({ ...members, event_data: [] }), 'Must be an object, not an array.');
  });

  for (const [name, limit] of [
    ['user_id', 256],
    ['event_type', 128],
    ['event_id', 200],
    ['source', 256],
  ] as const) {
    test(`${name} has 1 to ${limit} code points`, () => {
      for (const character of ['x', 'ä', '🦊']) {
        accepted({ ...members, [name]: character });
        accepted({ ...members, [name]: character.repeat(limit) });
        assert.deepEqual(problemsOf({ ...members, [name]: character.repeat(limit + 1) }), [`too_long /${name}`]);
      }
      assert.deepEqual(problemsOf({ ...members, [name]: '' }), [`too_short /${name}`]);
    });
  }

  test('with U+0000 or a lone surrogate are refused', () => {
    const text = JSON.stringify({ ...members, event_id: 'X', event_data: { a: 'X' } });
    assert.deepEqual(problemsOf(text.replaceAll('X', '\\u0000')), [
      'null_character /event_data/a',
      'null_character /event_id',
    ]);
    assert.deepEqual(problemsOf(text.replaceAll('X', 'a\\ud800b')), [
      'lone_surrogate /event_data/a',
      'lone_surrogate /event_id',
    ]);
  });

  test('may be nested in 32 levels, the event itself being the first', () => {
    const nested = (levels: number) => `{"a":${'['.repeat(levels - 2)}${']'.repeat(levels - 2)}}`;
    const text = (levels: number) => JSON.stringify(members).replace('{}', nested(levels));
    accepted(text(32));
    assert.deepEqual(problemsOf(text(33)), [`nested_too_deep /event_data/a${'/0'.repeat(30)}`]);
  });
});

describe('event_timestamp', () => {
  const at = (micros: number) => ({ ...members, event_timestamp: formatTimestamp(micros) });

  test('that cannot be read has one problem, which says why', () => {
    assert.deepEqual(problemsOf({ ...members, event_timestamp: 'yesterday' }), ['invalid_timestamp /event_timestamp']);
    assert.deepEqual(problemsOf({ ...members, event_timestamp: 'yesterday', user_id: '' }), [
      'too_short /user_id',
      'invalid_timestamp /event_timestamp',
    ]);
    assert.deepEqual(problemsOf({ ...members, event_timestamp: '2025-02-29T00:00:00Z' }), [
      'invalid_timestamp /event_timestamp',
    ]);
    assert.deepEqual(problemsOf({ ...members, event_timestamp: '1969-12-31T00:00:00Z' }), [
      'timestamp_out_of_range /event_timestamp',
    ]);
  });

  test('may lie maxFutureMs after now, and not a microsecond later', () => {
    const latest = (nowMs + 24 * HOUR_MS) * 1_000;
    accepted(at(latest));
    assert.deepEqual(problemsOf(at(latest + 1)), ['timestamp_in_future /event_timestamp']);
    accepted(at(nowMs * 1_000), { maxFutureMs: 0 });
    assert.deepEqual(problemsOf(at(nowMs * 1_000 + 1), { maxFutureMs: 0 }), ['timestamp_in_future /event_timestamp']);
  });

  test('may be retentionMs old, and not a microsecond older, where a retention is set', () => {
    const retentionMs = 30 * 24 * HOUR_MS;
    const oldest = (nowMs - retentionMs) * 1_000;
    accepted(at(oldest), { retentionMs });
    assert.deepEqual(problemsOf(at(oldest - 1), { retentionMs }), ['expired /event_timestamp']);
    accepted(at(0));
    accepted(at(0), { retentionMs: nowMs + 1 });
  });
});

describe('event_data of a purchase', () => {
  const purchase = (event_data: unknown) => ({ ...members, event_type: 'purchase', event_data });

  test('has item_id, price and perhaps tags; further members are allowed', () => {
    accepted(purchase({ item_id: '42', price: 9.99 }));
    accepted(purchase({ item_id: '', price: '9.99', tags: [], currency: 'EUR', nested: { a: null } }));
    accepted(purchase({ item_id: '42', price: -1e300, tags: ['a', ''] }));
  });

  test('is checked for everything at once', () => {
    assert.deepEqual(problemsOf(purchase({})).sort(), [
      'missing_member /event_data/item_id',
      'missing_member /event_data/price',
    ]);
    assert.deepEqual(problemsOf(purchase({ item_id: 42, price: null, tags: ['a', 1, null] })).sort(), [
      'wrong_type /event_data/item_id',
      'wrong_type /event_data/price',
      'wrong_type /event_data/tags/1',
      'wrong_type /event_data/tags/2',
    ]);
    assert.deepEqual(problemsOf(purchase({ item_id: '1', price: true, tags: 'a' })).sort(), [
      'wrong_type /event_data/price',
      'wrong_type /event_data/tags',
    ]);
    assert.deepEqual(problemsOf(purchase([])), ['wrong_type /event_data']);
  });

  test('may give the price as a decimal number in a string', () => {
    for (const price of ['0', '-0', '19.90', '-19.90', '100', '0.00', '123456789012345678901234567890.5']) {
      accepted(purchase({ item_id: '1', price }));
    }
    for (const price of [
      '',
      ' 1',
      '1 ',
      '1\n',
      '01',
      '-',
      '+1',
      '1.',
      '.5',
      '1e5',
      '1,5',
      '0x1',
      'NaN',
      '１',
      '1.0.0',
    ]) {
      assert.deepEqual(problemsOf(purchase({ item_id: '1', price })), ['schema_mismatch /event_data/price'], price);
    }
    assert.match(detailOf(purchase({ item_id: '1', price: '1e5' })), /such as "19\.90"/);
  });

  test('is not asked for in events of other types, nor where the receiver has checked it', () => {
    accepted({ ...members, event_type: 'Purchase' });
    accepted({ ...members, event_type: '__proto__' });
    accepted(purchase({}), { typeSchemas: undefined });
    assert.deepEqual(problemsOf({ ...purchase({}), user_id: '' }, { typeSchemas: undefined }), ['too_short /user_id']);
  });
});

describe('problems', () => {
  test('of every kind are found in one go', () => {
    const text =
      '{"user_id":null,"user_id":"u","event_type":"purchase","event_timestamp":"2026-02-30T00:00:00Z","event_id":"","extra":[1e999],' +
      `"event_data":{"price":"x","note":"\\u0000","deep":${'['.repeat(31)}${']'.repeat(31)},"long":${'1'.repeat(1_001)},"half":"\\ud800"}}`;
    assert.deepEqual(problemsOf(text).sort(), [
      'duplicate_member /user_id',
      'invalid_timestamp /event_timestamp',
      'lone_surrogate /event_data/half',
      'missing_member /event_data/item_id',
      `nested_too_deep /event_data/deep${'/0'.repeat(30)}`,
      'null_character /event_data/note',
      'number_out_of_range /extra/0',
      'number_too_long /event_data/long',
      'schema_mismatch /event_data/price',
      'too_short /event_id',
      'unknown_member /extra',
      'wrong_type /user_id',
    ]);
  });

  test('of a very large event are still found, the first of each schema at least', () => {
    const tags = Array(30_000).fill(1);
    const problems = problemsOf({
      ...members,
      user_id: '',
      event_type: 'purchase',
      event_data: { item_id: '1', price: 1, tags },
    });
    assert.deepEqual(problems, ['too_short /user_id', 'wrong_type /event_data/tags/0']);
  });

  test('can be stored and printed: no U+0000, no lone surrogate, no long text of the sender', () => {
    const name = `\\u0000\\ud800${'n'.repeat(5_000)}`;
    const result = parse(`{"${name}":1,"${name}":2,"event_data":{"${name}":["${name}"]}}`);
    assert.ok(!result.ok);
    const text = result.problems.map(({ pointer, detail }) => pointer + detail).join();
    assert.ok(!text.includes('\0') && text.isWellFormed());
    assert.ok(text.length < 3_000, `${text.length} characters`);
  });
});
