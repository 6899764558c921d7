import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { canonicalJson, plainDecimal } from './exact-json.ts';

describe('JSON compared to the digit', () => {
  test('numbers become what PostgreSQL prints for them', () => {
    for (const [sent, printed] of [
      ['19.90', '19.90'],
      ['9007199254740993', '9007199254740993'],
      ['-0', '0'],
      ['-0.00', '0.00'],
      ['1e5', '100000'],
      ['1E+2', '100'],
      ['1.50e1', '15.0'],
      ['1.5e3', '1500'],
      ['25e-3', '0.025'],
      ['0.5e-2', '0.005'],
      ['12.34e-1', '1.234'],
      ['123.456e1', '1234.56'],
      ['0e5', '0'],
      ['0.00e1', '0.0'],
      ['-12.5', '-12.5'],
    ]) {
      assert.equal(plainDecimal(sent ?? ''), printed, sent);
    }
  });

  test('order of members, white space and escapes do not matter; digits and items do', () => {
    assert.equal(canonicalJson('{"b": [1, {"x":"\\u0041"}], "a":null}'), canonicalJson('{"a":null,"b":[1,{"x":"A"}]}'));
    assert.notEqual(canonicalJson('{"a":19.9}'), canonicalJson('{"a":19.90}'));
    assert.notEqual(canonicalJson('[1,2]'), canonicalJson('[2,1]'));
    assert.notEqual(canonicalJson('"a"'), canonicalJson('"b"'));
    assert.equal(canonicalJson('{"__proto__":1}'), '{"__proto__":1}');
  });

  test('what is not one JSON value is refused', () => {
    for (const text of ['', '{', '[1,]', '01x', '{"a":1} 2', '{"a" 1}']) {
      assert.throws(() => canonicalJson(text), SyntaxError, text);
    }
  });
});
