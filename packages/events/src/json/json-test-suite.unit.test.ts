import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import suite from './json-test-suite.json' with { type: 'json' };
import { readJson } from './read-json.ts';

/** Cases that the grammar allows and a rule of Kero forbids. */
const REFUSED_BY_RULE: Readonly<Record<string, string>> = {
  y_object_duplicated_key: 'duplicate_member',
  y_object_duplicated_key_and_value: 'duplicate_member',
  y_object_escaped_null_in_key: 'null_character',
  y_string_null_escape: 'null_character',
};

/** What becomes of the cases that the suite leaves open; '' is accepted. */
const OPEN_CASES: readonly (readonly [name: RegExp, code: string])[] = [
  [/^i_number_too_big|^i_number_very_big/, ''],
  [/^i_number_/, 'number_out_of_range'],
  [/^i_structure_500_nested_arrays$/, 'nested_too_deep'],
  [/^i_structure_UTF-8_BOM_empty_object$/, 'byte_order_mark'],
  [/UTF-16|utf16|utf-8|UTF-8|UTF8|utf8|latin_1|overlong|not_in_unicode_range/, 'invalid_utf8'],
  [/^i_object_key_lone|^i_string_/, 'lone_surrogate'],
];

function outcome(bytes: Buffer): { ok: boolean; codes: string } {
  const reading = readJson(bytes);
  return reading.ok
    ? {
        ok: true,
        codes: reading.problems
          .toArray()
          .map((problem) => problem.code)
          .join(),
      }
    : { ok: false, codes: reading.problem.code };
}

const cases = Object.entries(suite.cases).map(([name, content]) => ({
  name,
  bytes: typeof content === 'string' ? Buffer.from(content) : Buffer.from(content.base64, 'base64'),
}));

describe('JSONTestSuite', () => {
  test('every y_ case is accepted, unless one of the further rules forbids it', () => {
    const accepted = cases.filter(({ name }) => name.startsWith('y_'));
    assert.equal(accepted.length, 95);
    for (const { name, bytes } of accepted) {
      assert.deepEqual(outcome(bytes), { ok: true, codes: REFUSED_BY_RULE[name] ?? '' }, name);
    }
  });

  test('every n_ case is refused as syntax', () => {
    const refused = cases.filter(({ name }) => name.startsWith('n_'));
    assert.equal(refused.length, 186);
    for (const { name, bytes } of refused) assert.equal(outcome(bytes).ok, false, name);
  });

  test('every i_ case has a decided outcome', () => {
    for (const { name, bytes } of cases.filter((one) => one.name.startsWith('i_'))) {
      const expected = OPEN_CASES.find(([pattern]) => pattern.test(name))?.[1];
      assert.equal(outcome(bytes).codes, expected, name);
    }
  });

  test('100,000 open brackets, or 50,000 open arrays of objects, are refused without a deep call stack', () => {
    assert.equal(outcome(Buffer.from('['.repeat(100_000))).codes, 'invalid_json');
    assert.equal(outcome(Buffer.from('[{"":'.repeat(50_000))).codes, 'invalid_json');
  });
});
