import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseJson } from './parse-json.ts';

describe('parseJson', () => {
  test('reads names with escapes after a name that is a backslash, which JSON.parse of V8 does not', () => {
    JSON.parse('{"h":[],"\\\\":0}');
    assert.deepEqual(parseJson('{"h":1,"\\"":2,"a\\n":3,"\\u0041":"\\\\"}'), { h: 1, '"': 2, 'a\n': 3, A: '\\' });
  });

  test('reads everything else as JSON.parse does', () => {
    const text = '{"a%22":[1,-0,2.5e3,true,null,"%","\\ud83e\\udd8a \\ud800"],"__proto__":{"0":{}},"":" "}';
    assert.deepEqual(parseJson(text), JSON.parse(text));
    for (const wrong of ['', '{"a":1,}', '"\\x"', '"', '["\u0001"]', "{'a':1}", '[1]]']) {
      assert.throws(() => parseJson(wrong), SyntaxError, wrong);
    }
  });

  test('gives numbers with their text to who wants them', () => {
    assert.deepEqual(
      parseJson('[19.90,{"n":1e2}]', (_, text) => ({ text })),
      [{ text: '19.90' }, { n: { text: '1e2' } }],
    );
  });
});
