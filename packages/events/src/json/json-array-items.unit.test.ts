import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parseJson } from '../../../../test/support/parse-json.ts';
import { JsonArrayItems, startsJsonArray } from './json-array-items.ts';

/** The texts of the items, and why there are no more. */
function take(text: string | Buffer): { items: string[]; code: string | undefined; detail: string } {
  const items = new JsonArrayItems(Buffer.from(text));
  const texts: string[] = [];
  for (let item = items.next(); item !== undefined; item = items.next()) if (item) texts.push(item.toString());
  assert.equal(items.next(), undefined, 'the end is the end');
  return { items: texts, code: items.problem?.code, detail: items.problem?.detail ?? '' };
}

describe('the items of a JSON array', () => {
  test('are the texts as they were written, without the white space around them', () => {
    const text = ' [ {"a": [1, {"b":"]},[{"}]} ,\t"x\\"]",19.90 ,-1e5\r\n,true, null,[ ],{ }, "ü€😀" ] \n';
    assert.deepEqual(take(text).items, [
      '{"a": [1, {"b":"]},[{"}]}',
      '"x\\"]"',
      '19.90',
      '-1e5',
      'true',
      'null',
      '[ ]',
      '{ }',
      '"ü€😀"',
    ]);
    assert.equal(take(text).code, undefined);
  });

  test('that are very long are read in pieces, so that others can work in between', () => {
    const long = `[${'[1,{"a":2}],'.repeat(40_000)}3]`;
    const items = new JsonArrayItems(Buffer.from(`[${long},4 ,${long}]`));
    const found: string[] = [];
    let pieces = 0;
    for (let item = items.next(); item !== undefined; item = items.next()) {
      if (item) found.push(item.toString());
      else pieces++;
    }
    assert.deepEqual(found, [long, '4', long]);
    assert.ok(pieces > 10, `${pieces}`);
    assert.equal(items.problem, undefined);
  });

  test('share the memory of the text', () => {
    const bytes = Buffer.from('[11,22]');
    const item = new JsonArrayItems(bytes).next();
    bytes[1] = 0x33;
    assert.equal(item?.toString(), '31');
  });

  test('of an empty array are none, without a problem', () => {
    for (const text of ['[]', ' [ \n] ']) assert.deepEqual(take(text), { items: [], code: undefined, detail: '' });
  });

  test('are for every array what JSON.parse reads', () => {
    const json = fc.array(fc.jsonValue({ maxDepth: 4 }));
    fc.assert(
      fc.property(json, fc.constantFrom(0, 1, '\t'), (values, indent) => {
        const { items, code } = take(JSON.stringify(values, null, indent));
        assert.equal(code, undefined);
        assert.deepEqual(
          items.map((item) => JSON.stringify(parseJson(item))),
          values.map((value) => JSON.stringify(value)),
        );
      }),
    );
  });

  test('end with a problem exactly where JSON.parse refuses, whatever is broken', () => {
    const base = fc.array(fc.jsonValue({ maxDepth: 3 }), { minLength: 1 }).map((values) => JSON.stringify(values));
    const broken = fc.tuple(base, fc.nat(), fc.constantFrom('', ',', ']', '[', '}', '"', '\\', 'x', '0', ' ', '\n'));
    fc.assert(
      fc.property(broken, ([text, where, put]) => {
        const at = where % text.length;
        const other = text.slice(0, at) + put + text.slice(at + 1);
        let isArray = true;
        try {
          isArray = Array.isArray(parseJson(other));
        } catch {
          isArray = false;
        }
        assert.equal(take(other).code === undefined, isArray, other);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('what is no array', () => {
  const cases: [what: string, text: string | Buffer, code: string, detail: RegExp][] = [
    ['nothing', '', 'empty_body', /no JSON text/],
    ['white space', ' \n', 'empty_body', /no JSON text/],
    ['an object', ' {"a":1}', 'not_an_array', /a JSON array/],
    ['a number', '1', 'not_an_array', /a JSON array/],
    ['an object and more', '{"a":1}1', 'invalid_json', /byte 7\): expected the end/],
    ['half an object', '{"a":', 'invalid_json', /expected a JSON value/],
    ['an array that does not end', '[1,2', 'invalid_json', /byte 4\): expected a comma or the end of the array/],
    ['a comma before the end', '[1,2,]', 'invalid_json', /byte 5\): expected a JSON value, found "\]"/],
    ['a comma first', '[,1]', 'invalid_json', /byte 1\)/],
    ['two commas', '[1,,2]', 'invalid_json', /byte 3\)/],
    ['no comma', '[1 2]', 'invalid_json', /byte 3\)/],
    ['more after its end', '[1]\n[2]', 'invalid_json', /Line 2, column 1 \(byte 4\): expected the end of the text/],
    ['a bracket of the other kind', '[{"a":1]]', 'invalid_json', /the end of the object/],
    ['a byte order mark', '\ufeff[1]', 'byte_order_mark', /EF BB BF/],
    ['bytes that are not UTF-8', Buffer.from([0x5b, 0x22, 0xff, 0x22, 0x5d]), 'invalid_utf8', /byte 2\)/],
  ];
  for (const [what, text, code, detail] of cases) {
    test(`${what}: ${code}`, () => {
      const found = take(text);
      assert.equal(found.code, code);
      assert.match(found.detail, detail);
    });
  }

  test('is told after the items before it', () => {
    assert.deepEqual(take('[1,2,x]').items, ['1', '2']);
  });

  test('may be a million brackets, closed or not: no stack overflows', () => {
    const open = '['.repeat(1_000_000);
    assert.equal(take(open).code, 'invalid_json');
    const { items, code } = take(open + ']'.repeat(1_000_000));
    assert.equal(code, undefined);
    assert.equal(items.length, 1);
  });
});

test('an array is told from other texts by its first byte that is not white space', () => {
  for (const text of ['[', ' \r\n\t[1]', '[]']) assert.ok(startsJsonArray(Buffer.from(text)), text);
  for (const text of ['', ' ', '{"a":[]}', '\ufeff[]', '"["']) assert.ok(!startsJsonArray(Buffer.from(text)), text);
});
