import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { rawJson, UnwritableError, writeJson } from './json-text.ts';

describe('writeJson', () => {
  test('writes what JSON.stringify writes, for everything that JSON can say', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        assert.equal(writeJson(value), JSON.stringify(value));
      }),
    );
  });

  test('writes dates, members without a value, boxed values and toJSON as JSON.stringify does', () => {
    const value = {
      at: new Date(0),
      absent: undefined,
      list: [undefined, () => 1],
      boxed: [Object(1), Object('a'), Object(true)],
      url: new URL('http://a.test/'),
      own: { toJSON: (key: string) => `made for ${key}` },
    };
    assert.equal(writeJson(value), JSON.stringify(value));
  });

  test('keeps every digit of bigints and raw JSON', () => {
    const text = '{"price":19.90,"id":9007199254740993}';
    assert.equal(writeJson({ price: rawJson('19.90'), id: 9007199254740993n }), text);
    assert.equal(writeJson({ all: rawJson(text) }), `{"all":${text}}`);
  });

  test('takes what JSON.rawJSON made, where the platform has it', (t) => {
    const { rawJSON } = JSON as { rawJSON?: (text: string) => unknown };
    if (!rawJSON) return t.skip('no JSON.rawJSON here');
    assert.equal(writeJson([rawJSON('1.10')]), '[1.10]');
  });

  test('escapes half a surrogate pair, so that the receiver can say where it is', () => {
    assert.equal(writeJson('a\ud800'), '"a\\ud800"');
  });

  const cycle: Record<string, unknown> = {};
  cycle.self = { again: cycle };
  for (const [name, value, pointer] of [
    ['NaN', { list: [1, { price: Number.NaN }] }, '/list/1/price'],
    ['Infinity', { 'a/b~c': Number.POSITIVE_INFINITY }, '/a~1b~0c'],
    ['an invalid Date', { at: new Date(Number.NaN) }, '/at'],
    ['a Map', { map: new Map([[1, 2]]) }, '/map'],
    ['a cycle', cycle, '/self/again/self'],
  ] as const) {
    test(`refuses ${name}, and names the place`, () => {
      assert.throws(
        () => writeJson(value),
        (error) => error instanceof UnwritableError && error.pointer === pointer,
      );
    });
  }
});

describe('rawJson', () => {
  test('takes one JSON value', () => {
    for (const text of ['', '1 2', '{"a":01}', "{'a':1}", '"\ud800"']) {
      assert.throws(() => rawJson(text), SyntaxError, text);
    }
  });

  test('has no line breaks, because a line is an event', () => {
    assert.equal(rawJson('{\r\n"a": 1\n}').text, '{  "a": 1 }');
  });

  test('can be shown by JSON.stringify', () => {
    assert.equal(JSON.stringify({ price: rawJson('19.90') }), '{"price":19.9}');
  });
});
