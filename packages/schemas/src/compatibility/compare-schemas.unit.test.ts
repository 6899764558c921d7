import assert from 'node:assert/strict';
import process from 'node:process';
import { describe, test } from 'node:test';
import type { JsonSchema, JsonValue } from '@kero/events';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { compareSchemas } from './compare-schemas.ts';

function validator(schema: JsonSchema): (value: JsonValue) => boolean {
  const validate = new Ajv2020({ strict: false, validateFormats: false, logger: false }).compile(schema);
  return (value) => validate(value) === true;
}

/** Compares, and holds every example against the two schemas. */
function compare(old: JsonSchema, next: JsonSchema) {
  const comparison = compareSchemas(old, next);
  const [isOld, isNext] = [validator(old), validator(next)];
  for (const { example } of comparison.changes) {
    if (example === undefined) continue;
    assert.ok(isOld(example), `the old schema accepts ${JSON.stringify(example)}`);
    assert.ok(!isNext(example), `the new schema refuses ${JSON.stringify(example)}`);
  }
  return comparison;
}

const object = (properties: object, more: object = {}): JsonSchema => ({ type: 'object', properties, ...more });

describe('a change that breaks nothing', () => {
  const harmless: [string, JsonSchema, JsonSchema][] = [
    ['a description', object({ a: { type: 'string' } }), object({ a: { type: 'string', description: 'A.' } })],
    [
      'a format, which refuses nothing',
      object({ a: { type: 'string' } }),
      object({ a: { type: 'string', format: 'email' } }),
    ],
    ['a member that is not required any more', object({ a: {} }, { required: ['a'] }), object({ a: {} })],
    [
      'a member more, where others were not allowed',
      object({ a: {} }, { additionalProperties: false }),
      object({ a: {}, b: { type: 'string' } }, { additionalProperties: false }),
    ],
    ['a wider type', object({ a: { type: 'integer' } }), object({ a: { type: ['number', 'string'] } })],
    ['a longer list of values', object({ a: { enum: ['x'] } }), object({ a: { enum: ['y', 'x'] } })],
    [
      'a type for the values that were listed',
      object({ a: { enum: ['x', 'y'] } }),
      object({ a: { type: 'string', maxLength: 1 } }),
    ],
    [
      'wider bounds',
      object({ a: { type: 'number', minimum: 1, maximum: 5 } }),
      object({ a: { type: 'number', exclusiveMinimum: 0, maximum: 6 } }),
    ],
    [
      'a rule for a type that it never is',
      object({ a: { type: 'string' } }),
      object({ a: { type: 'string', minimum: 5 } }),
    ],
    ['an open end', object({ a: {} }, { additionalProperties: false }), object({ a: {} })],
    ['what the object is anyway', {}, { type: 'object' }],
    [
      'a definition in its place',
      object({ a: { type: 'object', required: ['b'] } }),
      object({ a: { $ref: '#/$defs/thing' } }, { $defs: { thing: { type: 'object' } } }),
    ],
    [
      'an alternative more',
      object({ a: { type: 'string' } }),
      object({ a: { anyOf: [{ type: 'null' }, { type: 'string' }] } }),
    ],
    [
      'wider items',
      object({ a: { type: 'array', items: { const: 1 }, minItems: 2 } }),
      object({ a: { type: 'array', items: { type: 'number' }, minItems: 1 } }),
    ],
    [
      'a recursive schema that stays',
      object(
        { a: { $ref: '#/$defs/tree' } },
        { $defs: { tree: object({ left: { $ref: '#/$defs/tree' } }) }, required: ['a'] },
      ),
      object({ a: { $ref: '#/$defs/tree' } }, { $defs: { tree: object({ left: { $ref: '#/$defs/tree' } }) } }),
    ],
  ];
  for (const [name, old, next] of harmless) {
    test(name, () => assert.deepEqual(compare(old, next), { verdict: 'compatible', changes: [] }));
  }
});

describe('a change that breaks, with its member and an example', () => {
  const breaking: [string, JsonSchema, JsonSchema, [pointer: string, detail: RegExp][]][] = [
    ['a required member', object({ a: {} }), object({ a: {} }, { required: ['a'] }), [['/a', /is required now/]]],
    [
      'a narrower type',
      object({ a: { type: 'number' } }),
      object({ a: { type: 'integer' } }),
      [['/a', /type number any more, only integer/]],
    ],
    [
      'a value less',
      object({ a: { enum: ['x', 'y'] } }),
      object({ a: { enum: ['x'] } }),
      [['/a', /may not be "y" any more/]],
    ],
    ['a value for all', object({ a: { type: 'string' } }), object({ a: { const: 'x' } }), [['/a', /may only be "x"/]]],
    [
      'a closed object',
      object({ a: {} }),
      object({ a: {} }, { additionalProperties: false }),
      [['/*', /may not be there any more/]],
    ],
    [
      'a member less, where others are not allowed',
      object({ a: {}, b: {} }, { additionalProperties: false }),
      object({ a: {} }, { additionalProperties: false }),
      [['/b', /may not be there any more/]],
    ],
    ['a member that had no schema', object({}), object({ a: { type: 'string' } }), [['/a', /type/]]],
    [
      'a higher minimum',
      object({ a: { type: 'number', minimum: 1 } }),
      object({ a: { type: 'number', minimum: 2 } }),
      [['/a', /at least 2/]],
    ],
    [
      'a lower maximum',
      object({ a: { type: 'number' } }),
      object({ a: { type: 'number', exclusiveMaximum: 2 } }),
      [['/a', /less than 2/]],
    ],
    [
      'a step',
      object({ a: { type: 'integer' } }),
      object({ a: { type: 'integer', multipleOf: 5 } }),
      [['/a', /multiple of 5/]],
    ],
    [
      'a longer text',
      object({ a: { type: 'string' } }),
      object({ a: { type: 'string', minLength: 1 } }),
      [['/a', /at least 1 char/]],
    ],
    [
      'a shorter text',
      object({ a: { type: 'string' } }),
      object({ a: { type: 'string', maxLength: 300 } }),
      [['/a', /at most 300 char/]],
    ],
    [
      'a pattern',
      object({ a: { type: 'string' } }),
      object({ a: { type: 'string', pattern: '^[a-z]+$' } }),
      [['/a', /regular expression/]],
    ],
    [
      'fewer items',
      object({ a: { type: 'array' } }),
      object({ a: { type: 'array', maxItems: 2 } }),
      [['/a', /at most 2 items/]],
    ],
    [
      'items once each',
      object({ a: { type: 'array' } }),
      object({ a: { type: 'array', uniqueItems: true } }),
      [['/a', /item twice/]],
    ],
    [
      'deep inside, in required members and items',
      object(
        {
          a: {
            type: 'array',
            minItems: 2,
            items: object({ b: { type: 'string', minLength: 2 }, c: {} }, { required: ['b', 'c'] }),
          },
        },
        { required: ['a'] },
      ),
      object({ a: { type: 'array', items: object({ b: { type: 'string', minLength: 3 }, c: {} }) } }),
      [['/a/*/b', /at least 3/]],
    ],
    [
      'in a definition',
      object({ a: { $ref: '#/$defs/money' } }, { $defs: { money: { type: 'number' } } }),
      object({ a: { $ref: '#/$defs/money' } }, { $defs: { money: { type: 'string' } } }),
      [['/a', /type number any more/]],
    ],
    [
      'what must not be',
      object({ a: {} }),
      object({ a: {} }, { not: { required: ['a'] } }),
      [['', /other rules in "not"/]],
    ],
    [
      'two at once',
      object({ a: { type: 'string' }, b: {} }),
      object({ a: { type: 'number' }, b: {} }, { required: ['b'] }),
      [
        ['/b', /required/],
        ['/a', /type/],
      ],
    ],
  ];
  for (const [name, old, next, expected] of breaking) {
    test(name, () => {
      const { verdict, changes } = compare(old, next);
      assert.equal(verdict, 'incompatible');
      assert.deepEqual(
        changes.map(({ pointer }) => pointer),
        expected.map(([pointer]) => pointer),
      );
      for (const [n, [, detail]] of expected.entries()) {
        assert.match(changes[n]?.detail ?? '', detail);
        assert.notEqual(changes[n]?.example, undefined);
      }
    });
  }

  test('the example of one break does not stumble over another', () => {
    const old = object({ a: { type: 'number' }, b: { type: 'string' } }, { required: ['a'] });
    const next = object(
      { a: { type: 'number', minimum: 0 }, b: { type: 'string', minLength: 1 } },
      { required: ['a'] },
    );
    const examples = compare(old, next).changes.map(({ example }) => example);
    assert.deepEqual(examples[0], { a: -1 });
  });
});

describe('what cannot be told', () => {
  test('is said to be so, with its member', () => {
    const pattern = (text: string) => object({ a: { type: 'string', pattern: text } });
    const comparison = compare(pattern('^(?=.*7)[q-z7]{9}$'), pattern('^(?=.*7)[q-y7]{9}$'));
    assert.equal(comparison.verdict, 'unclear');
    assert.deepEqual(
      comparison.changes.map(({ pointer, example }) => [pointer, example]),
      [['/a', undefined]],
    );
  });

  test('a schema that contains itself twice comes to an end', () => {
    const tree = (leaf: object) => ({
      ...object({ root: { $ref: '#/$defs/tree' } }),
      $defs: { tree: object({ left: { $ref: '#/$defs/tree' }, right: { $ref: '#/$defs/tree' }, leaf }) },
    });
    assert.notEqual(compare(tree({ type: 'string' }), tree({ type: ['string', 'number'] })).verdict, 'incompatible');
    assert.notEqual(compare(tree({ type: 'string' }), tree({ type: 'number' })).verdict, 'compatible');
  });
});

const names = fc.constantFrom('a', 'b', 'other');
const scalars = fc.constantFrom<JsonValue>(null, true, false, 0, 1, 2, -1, 0.5, 3, '', 'a', 'ab', 'text', '12');
const { document: anything } = fc.letrec<{
  document: JsonValue;
  value: JsonValue;
  list: JsonValue[];
  object: Record<string, JsonValue>;
}>((tie) => ({
  // As parsed: dictionaries may inherit nothing, which not even ajv bears.
  document: tie('value').map((value) => JSON.parse(JSON.stringify(value)) as JsonValue),
  value: fc.oneof({ depthSize: 'small', maxDepth: 3 }, scalars, tie('object'), tie('list')),
  list: fc.array(tie('value'), { maxLength: 3 }),
  object: fc.dictionary(names, tie('value'), { maxKeys: 3 }),
}));
const type = fc.constantFrom('null', 'boolean', 'object', 'array', 'string', 'number', 'integer');
const small = fc.integer({ min: 0, max: 3 });

/** Schemas of a few keywords over a few names and values, so that two of them have something to do with each other. */
const { schema: anySchema } = fc.letrec<{ schema: boolean | JsonSchema; object: JsonSchema }>((tie) => {
  const inner = tie('schema');
  const some = (keywords: Record<string, fc.Arbitrary<unknown>>) => fc.record(keywords, { requiredKeys: [] });
  return {
    schema: fc.oneof(
      { depthSize: 'small', maxDepth: 3 },
      fc.constant(true),
      some({ type }),
      tie('object'),
      fc.constant(false),
    ),
    object: fc
      .tuple(
        some({
          type: fc.oneof(type, fc.uniqueArray(type, { minLength: 1, maxLength: 3 })),
          properties: fc.dictionary(names, inner, { maxKeys: 3 }),
          required: fc.uniqueArray(names, { maxLength: 2 }),
          additionalProperties: inner,
          items: inner,
        }),
        fc.oneof(
          fc.constant({}),
          some({ minimum: small, exclusiveMinimum: small, multipleOf: fc.constantFrom(0.5, 1, 2, 3) }),
          some({ maximum: small, exclusiveMaximum: small, minLength: small, maxLength: small }),
          some({
            pattern: fc.constantFrom('^a', 'b$', '\\d'),
            minItems: small,
            maxItems: small,
            uniqueItems: fc.boolean(),
          }),
          some({ minProperties: small, maxProperties: small, propertyNames: inner }),
          some({ patternProperties: fc.dictionary(fc.constantFrom('^a', '^o', 'b'), inner, { maxKeys: 2 }) }),
          some({ prefixItems: fc.array(inner, { minLength: 1, maxLength: 2 }), contains: inner, minContains: small }),
          some({ enum: fc.array(anything, { minLength: 1, maxLength: 3 }), const: anything }),
          some({ dependentRequired: fc.dictionary(names, fc.uniqueArray(names, { maxLength: 2 }), { maxKeys: 2 }) }),
          some({ allOf: fc.array(inner, { minLength: 1, maxLength: 2 }) }),
          some({
            anyOf: fc.array(inner, { minLength: 1, maxLength: 2 }),
            oneOf: fc.array(inner, { minLength: 1, maxLength: 2 }),
          }),
          some({
            not: inner,
            unevaluatedProperties: inner,
            dependentSchemas: fc.dictionary(names, inner, { maxKeys: 1 }),
          }),
          fc.record({ $ref: fc.constantFrom('#/$defs/x', '#/$defs/y') }),
        ),
      )
      .map(([common, more]) => ({ ...common, ...more }) as JsonSchema),
  };
});
const root = fc.tuple(anySchema, anySchema, anySchema).map(([schema, x, y]) => ({
  ...(typeof schema === 'boolean' ? { additionalProperties: schema } : schema),
  $defs: { x, y },
}));

/** One of the keywords of a schema taken away, or changed for that of another one; anywhere in it. */
function changed(schema: JsonSchema, other: JsonSchema, way: readonly number[]): JsonSchema {
  const [first = 0, ...rest] = way;
  const keywords = [...new Set([...Object.keys(schema), ...Object.keys(other)])].filter((it) => it !== '$defs');
  const keyword = keywords[first % Math.max(1, keywords.length)] ?? 'type';
  const inner = schema[keyword];
  if (rest.length > 0 && typeof inner === 'object' && inner !== null && !Array.isArray(inner)) {
    return { ...schema, [keyword]: changed(inner as JsonSchema, Object(other[keyword]), rest) };
  }
  const { [keyword]: _, ...without } = schema;
  return keyword in other ? { ...without, [keyword]: other[keyword] } : without;
}
const pairs = fc
  .tuple(root, root, fc.array(fc.nat({ max: 20 }), { minLength: 1, maxLength: 3 }), fc.boolean())
  .map(([old, other, way, isChange]): [JsonSchema, JsonSchema] => [old, isChange ? changed(old, other, way) : other]);

/** For a longer look: COMPARISON_RUNS=10000. */
const RUNS = Number(process.env.COMPARISON_RUNS ?? 150);

test('whatever keeps the old schema keeps one that is called compatible, and every example breaks', () => {
  const verdicts = { compatible: 0, incompatible: 0, unclear: 0 };
  let held = 0;
  const documents = fc.array(fc.dictionary(names, anything, { maxKeys: 3, noNullPrototype: true }), {
    minLength: 30,
    maxLength: 60,
  });
  fc.assert(
    fc.property(pairs, documents, ([old, next], values) => {
      let isOld: (value: JsonValue) => boolean;
      let isNext: (value: JsonValue) => boolean;
      try {
        [isOld, isNext] = [validator(old), validator(next)];
      } catch {
        // Not a schema, for example a reference to itself.
        return;
      }
      let comparison: ReturnType<typeof compare>;
      try {
        comparison = compare(old, next);
      } catch (error) {
        if (error instanceof RangeError) return;
        throw error;
      }
      verdicts[comparison.verdict]++;
      if (comparison.verdict !== 'compatible') return;
      for (const value of values) {
        if (!isOld(value)) continue;
        held++;
        assert.ok(isNext(value), `${JSON.stringify(value)} is refused by the new schema`);
      }
    }),
    { numRuns: RUNS, endOnFailure: true },
  );
  // A test of nothing would hold, too.
  assert.ok(
    verdicts.compatible > RUNS / 15 && verdicts.incompatible > RUNS / 15 && held > RUNS / 3,
    JSON.stringify({ ...verdicts, held }),
  );
});
