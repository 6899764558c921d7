import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { JsonValue } from './json/json-value.ts';
import { ProblemList } from './problem-list.ts';
import { compileSchema } from './schema-check.ts';
import type { JsonSchema } from './schemas.ts';

function check(schema: JsonSchema, value: JsonValue, values = 1): string[] {
  const problems = new ProblemList();
  const ok = compileSchema(schema)(value, ['event_data'], values, problems);
  assert.equal(ok, problems.length === 0);
  return problems.toArray().map(({ code, pointer, detail }) => `${code} ${pointer}: ${detail}`);
}

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
      'schema_mismatch /event_data: The value breaks the rule "minimum" of its schema. How many.',
    ]);
    assert.deepEqual(check({ enum: ['a'] }, 'b'), [
      'schema_mismatch /event_data: The value breaks the rule "enum" of its schema.',
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
