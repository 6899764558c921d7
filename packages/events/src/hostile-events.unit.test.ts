import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ParseResult } from './event.ts';
import { parseEvent } from './parse-event.ts';
import { compileUserSchema } from './schema-check.ts';
import { builtInTypeSchemas, type TypeSchemas } from './type-schemas.ts';

/** Each of these took minutes when a problem cost as much as the names that lead to it. */
const TIMEOUT_MS = 60_000;
const TEXT_BYTES = 256 * 1024;

function parse(data: string, typeSchemas: TypeSchemas = builtInTypeSchemas): ParseResult {
  const members = '"user_id":"u","event_type":"t","event_timestamp":"2026-10-07T10:00:00Z"';
  const bytes = Buffer.from(`{${members},"event_data":${data}}`);
  assert.ok(bytes.length <= TEXT_BYTES);
  const limits = { maxFutureMs: 0, retentionMs: undefined, maxBytes: TEXT_BYTES, defaultSource: 'default' };
  return parseEvent(bytes, { ...limits, nowMs: Date.parse('2026-11-23T10:00:00Z'), typeSchemas });
}

function codesOf(result: ParseResult): string[] {
  return result.ok ? [] : result.problems.map(({ code }) => code);
}

const LONG = 130_000;
const many = (item: string) =>
  Array(Math.floor((TEXT_BYTES - LONG - 1000) / (item.length + 1)))
    .fill(item)
    .join();

describe('one event cannot hold up the others, whatever is in it', { timeout: TIMEOUT_MS }, () => {
  for (const character of ['~', '/', 'x', 'ü', '\\n']) {
    test(`a very long name of ${character} with many problems below it`, () => {
      const name = character.repeat(Math.floor(LONG / Buffer.byteLength(character)));
      assert.deepEqual(codesOf(parse(`{"${name}":{"a":1,${many('"a":1')}}}`)), [
        'duplicate_member',
        'too_many_problems',
      ]);
      assert.deepEqual(codesOf(parse(`{"${name}":[${many('1e999')}]}`)), ['number_out_of_range', 'too_many_problems']);
      assert.deepEqual(codesOf(parse(`{"${name}":["\\u0000",${many('"\\ud800"')}]}`)).slice(0, 1), ['null_character']);
    });

    test(`a very long name of ${character} and a schema that everything below it breaks`, () => {
      const check = compileUserSchema({ additionalProperties: { type: 'array', items: { type: 'string' } } });
      const name = character.repeat(Math.floor(100_000 / Buffer.byteLength(character)));
      const result = parse(`{"${name}":[${Array(9000).fill(1).join()}]}`, { find: () => ({ label: 'x', check }) });
      assert.deepEqual(codesOf(result), ['wrong_type']);
    });
  }

  test('one place that is wrong again and again', () => {
    const codes = codesOf(parse(`{"a":1,${many('"a":1')}}`));
    assert.deepEqual(codes, ['duplicate_member', 'too_many_problems']);
  });
});

describe('a schema that can be applied to nothing', () => {
  test('is no schema', () => {
    assert.throws(() => compileUserSchema({ $ref: '#' }), /Maximum call stack/);
    const endless = { $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } } };
    assert.throws(() => compileUserSchema(endless), /Maximum call stack/);
  });

  test('to some events only is a problem of those', () => {
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema.
    const check = compileUserSchema({ if: { required: ['loop'] }, then: { $ref: '#' } });
    const schemas: TypeSchemas = { find: () => ({ label: 'x', check }) };
    assert.ok(parse('{}', schemas).ok);
    assert.deepEqual(codesOf(parse('{"loop":1}', schemas)), ['schema_failed']);
    assert.ok(parse('{}', schemas).ok);
  });

  test('is not taken for one that refers to itself and has an end', () => {
    const check = compileUserSchema({ properties: { child: { $ref: '#' } }, required: ['n'] });
    const schemas: TypeSchemas = { find: () => ({ label: 'x', check }) };
    const nested = (depth: number): string => (depth === 0 ? '{"n":1}' : `{"n":1,"child":${nested(depth - 1)}}`);
    assert.ok(parse(nested(30), schemas).ok);
  });
});
