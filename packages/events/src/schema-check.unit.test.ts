import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { JsonValue } from './json/json-value.ts';
import { readJson } from './json/read-json.ts';
import { ProblemList } from './problem-list.ts';
import { compileSchema, compileUserSchema } from './schema-check.ts';
import type { JsonSchema } from './schemas.ts';

function check(schema: JsonSchema, value: JsonValue, values = 1): string[] {
  const problems = new ProblemList();
  const ok = compileSchema(schema)(value, ['event_data'], values, problems);
  assert.equal(ok, problems.length === 0);
  return problems.toArray().map(({ code, pointer, detail }) => `${code} ${pointer}: ${detail}`);
}

describe('schemas that users write', () => {
  function checkUser(schema: JsonSchema, value: JsonValue, values = 1): string[] {
    const problems = new ProblemList();
    assert.equal(compileUserSchema(schema)(value, [], values, problems), problems.length === 0);
    return problems.toArray().map(({ code, pointer, detail }) => `${code} ${pointer}: ${detail}`);
  }

  test('unknown keywords say nothing, and format is an annotation', () => {
    assert.deepEqual(checkUser({ type: 'string', 'x-owner': 'shop', format: 'email' }, 'no address'), []);
  });

  test('local references and unevaluatedProperties work', () => {
    const schema = {
      $defs: { money: { type: 'object', properties: { amount: { type: 'number' } }, required: ['amount'] } },
      allOf: [{ $ref: '#/$defs/money' }],
      properties: { note: {} },
      unevaluatedProperties: false,
    };
    assert.deepEqual(checkUser(schema, { amount: 1, note: 'x' }), []);
    assert.deepEqual(checkUser(schema, { amount: 1, other: 'x' }), [
      'unknown_member /other: The schema knows no member "other".',
    ]);
  });

  test('every rule that has words is told in words, at its place', () => {
    const rules: [JsonSchema, JsonValue, string][] = [
      [{ const: 'a' }, 'b', 'Must be "a".'],
      [{ pattern: '^a' }, 'b', 'Must match the regular expression "^a".'],
      [{ maximum: 1 }, 2, 'Must be <= 1.'],
      [{ multipleOf: 2 }, 3, 'Must be a multiple of 2.'],
      [{ minItems: 1 }, [], 'Must have at least 1 items.'],
      [{ uniqueItems: true }, [1, 2, 1], 'The items 0 and 2 are equal; each may be there once.'],
      [{ minProperties: 1 }, {}, 'Must have at least 1 members.'],
      [{ not: {} }, 1, 'Keeps the schema in "not", and must not.'],
    ];
    for (const [schema, value, detail] of rules) {
      assert.deepEqual(checkUser({ properties: { a: schema } }, { a: value }), [`schema_mismatch /a: ${detail}`]);
    }
    assert.deepEqual(checkUser({ dependentRequired: { a: ['b'] } }, { a: 1 }), [
      'missing_member /b: This member is required where "a" is present.',
    ]);
  });

  test('objects are equal by their members, whatever these are called and whatever the object inherits', () => {
    const read = (text: string) => {
      const reading = readJson(Buffer.from(text));
      assert.ok(reading.ok);
      return reading.value;
    };
    const money = { enum: [{ amount: 1, currency: 'EUR' }, [{ constructor: 1 }], 'a', 1, null] };
    for (const text of ['{"currency":"EUR","amount":1.0}', '[{"constructor":1}]', '"a"', '1e0', 'null']) {
      assert.deepEqual(checkUser(money, read(text)), [], text);
    }
    for (const text of ['{"currency":"EUR","amount":1,"b":1}', '["a"]', '"1"', '{}', 'false']) {
      assert.equal(checkUser(money, read(text)).length, 1, text);
    }
    const unique = { uniqueItems: true };
    assert.deepEqual(checkUser(unique, read('[{"valueOf":1},{"a":1},{},[],null,0,false,"","0",{"a":"1"}]')), []);
    assert.deepEqual(checkUser(unique, read('[{"a":1,"valueOf":{}},1,{"valueOf":{},"a":1}]')), [
      'schema_mismatch : The items 0 and 2 are equal; each may be there once.',
    ]);
    assert.deepEqual(checkUser({ uniqueItems: false }, read('[1,1]')), []);
  });

  test('that no item is there twice is found out in one go, not by comparing all with all', () => {
    const items = Array.from({ length: 40_000 }, (_, n) => ({ n }));
    const startedAt = performance.now();
    assert.deepEqual(checkUser({ uniqueItems: true }, items, 100_000), []);
    // All with all would be 800 million comparisons: minutes.
    assert.ok(performance.now() - startedAt < 20_000);
  });

  test('of a condition only the rule that is broken is told', () => {
    const schema = JSON.parse('{ "if": { "required": ["a"] }, "then": { "required": ["b"] } }');
    assert.deepEqual(checkUser(schema, { a: 1 }), ['missing_member /b: This member is required.']);
  });

  test('a reference out of the schema does not compile', () => {
    assert.throws(() => compileUserSchema({ $ref: 'https://example.org/other.json' }), /can't resolve reference/);
  });
});

describe('what ajv says, said again for people', () => {
  test('names in pointers are escaped, in the place and in the member', () => {
    const schema = {
      type: 'object',
      properties: { 'a/b~1': { type: 'object', properties: { '~/': {} }, required: ['~/'] } },
    };
    assert.deepEqual(check(schema, { 'a/b~1': {} }), [
      'missing_member /event_data/a~1b~01/~0~1: This member is required.',
    ]);
  });

  test('a member that is not allowed names those that are', () => {
    const schema = { type: 'object', additionalProperties: false, properties: { a: {}, b: {} } };
    assert.deepEqual(check(schema, { a: 1, 'c\0': 1 }), [
      'unknown_member /event_data: There is no member "c\\u0000"; the members are a, b.',
    ]);
  });

  test('types and lengths tell what is wanted and what is there', () => {
    assert.deepEqual(check({ type: ['integer', 'string'] }, [1]), [
      'wrong_type /event_data: Must be an integer or a string, not an array.',
    ]);
    assert.deepEqual(check({ type: 'string', minLength: 3 }, '🦊🦊'), [
      'too_short /event_data: Must have at least 3 characters (Unicode code points), not 2.',
    ]);
  });

  test('every other rule is named, with the description of its schema', () => {
    assert.deepEqual(check({ type: 'number', minimum: 1, description: 'How many.' }, 0), [
      'schema_mismatch /event_data: Must be >= 1. How many.',
    ]);
    assert.deepEqual(check({ enum: ['a', 1, null] }, 'b'), [
      'schema_mismatch /event_data: Must be one of "a", 1, null.',
    ]);
    assert.deepEqual(check({ type: 'array', contains: { type: 'string' } }, []), [
      'schema_mismatch /event_data: The value breaks the rule "contains" of its schema.',
    ]);
  });

  test('of an event with more than 10,000 values only the first break is told', () => {
    const schema = { type: 'array', items: { type: 'string' } };
    assert.equal(check(schema, [1, 2, 3], 10_000).length, 3);
    assert.equal(check(schema, [1, 2, 3], 10_001).length, 1);
  });

  test('a schema that is wrong itself does not compile', () => {
    assert.throws(() => compileSchema({ type: 'strnig' }));
    assert.throws(() => compileSchema({ type: 'string', maxLenght: 3 }), /unknown keyword/);
  });
});
