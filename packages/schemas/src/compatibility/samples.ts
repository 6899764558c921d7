import type { JsonObject, JsonValue } from '@kero/events';
import { typesOf } from './json-types.ts';
import { conjuncts, type SchemaDocument } from './schema-document.ts';
import {
  isSchemaObject,
  namesAt,
  numberAt,
  type Schema,
  type SchemaObject,
  schemaAt,
  schemaListAt,
  schemasAt,
  valuesAt,
} from './schema-value.ts';
import { textOfPattern } from './text-of-pattern.ts';

const MAX_SAMPLES = 24;
const MAX_DEPTH = 6;
const MAX_LENGTH = 10_000;
const MAX_ITEMS = 100;

const TEXTS = [
  ...['text', 'a', '', 'A', '0', '1', '12', '1.5', 'EUR', 'de', 'true', '2026-11-23', '2026-11-23T10:00:00Z', 'abc-1'],
  ...['a@example.org', 'https://example.org/', '0199be1d-1100-8548-b29d-d65d5192914d', 'ä ☃'],
];
const NUMBERS = [1, 0, -1, 0.5, 2, 10, 1000, 1_000_000, -0.5];

/** A member that no schema names. */
export const OTHER_MEMBER = 'other';

/**
 * Values that keep a schema, the plainest first: not all, and perhaps none, where the schema asks for something that is hard to guess.
 */
export function samplesOf(schema: Schema, document: SchemaDocument, depth = 0): JsonValue[] {
  const found = new Map<string, JsonValue>();
  for (const value of candidates(schema, document, depth)) {
    const key = JSON.stringify(value);
    if (!found.has(key) && document.accepts(schema, value)) found.set(key, value);
    if (found.size >= MAX_SAMPLES) break;
  }
  return [...found.values()];
}

function* candidates(schema: Schema, document: SchemaDocument, depth: number): Generator<JsonValue> {
  if (schema === false || depth > MAX_DEPTH) return;
  const parts = conjuncts(schema, document);
  for (const part of parts) {
    if (Array.isArray(part.examples)) yield* part.examples as JsonValue[];
    if ('default' in part) yield part.default as JsonValue;
    yield* valuesAt(part) ?? [];
  }
  // As one schema, which is only a guess where two parts have the same keyword: what is guessed wrong is thrown away.
  const whole = mergeParts(parts);
  const types = typesOf(parts);
  if (types.has('object')) yield* objects(whole, document, depth);
  if (types.has('string')) yield* texts(whole);
  if (types.has('number') || types.has('integer')) yield* numbers(whole);
  if (types.has('boolean')) yield* [true, false];
  if (types.has('array')) yield* arrays(whole, document, depth);
  if (types.has('null')) yield null;
  for (const keyword of ['anyOf', 'oneOf']) {
    for (const branch of parts.flatMap((part) => schemaListAt(part, keyword))) {
      const merged = mergeParts([whole, ...conjuncts(branch, document)]);
      yield* candidates({ ...merged, anyOf: [], oneOf: [] }, document, depth + 1);
    }
  }
}

function mergeParts(parts: readonly SchemaObject[]): SchemaObject {
  const merged: Record<string, unknown> = {};
  for (const part of parts) {
    for (const [keyword, value] of Object.entries(part)) {
      const before = merged[keyword];
      if (keyword === 'required') merged.required = [...namesAt(merged, keyword), ...namesAt(part, keyword)];
      else if (keyword === 'properties' && isSchemaObject(before)) merged.properties = { ...before, ...Object(value) };
      else if (keyword !== 'type' || before === undefined) merged[keyword] = value;
    }
  }
  return merged;
}

function* objects(schema: SchemaObject, document: SchemaDocument, depth: number): Generator<JsonValue> {
  const properties = schemasAt(schema, 'properties');
  const samples = new Map<string, JsonValue[]>();
  const required = namesAt(schema, 'required');
  for (const name of new Set([...required, ...properties.keys()])) {
    samples.set(name, samplesOf(properties.get(name) ?? schemaAt(schema, 'additionalProperties'), document, depth + 1));
  }
  const filled = (names: Iterable<string>): JsonObject => {
    const entries: [string, JsonValue][] = [];
    for (const name of names) for (const value of (samples.get(name) ?? []).slice(0, 1)) entries.push([name, value]);
    return Object.fromEntries(entries);
  };
  const least = filled(required);
  yield least;
  yield filled(samples.keys());
  const others = samplesOf(schemaAt(schema, 'additionalProperties'), document, depth + 1);
  for (const value of others.slice(0, 2)) yield { ...least, [OTHER_MEMBER]: value };
  const fewest = numberAt(schema, 'minProperties') ?? 0;
  if (fewest > 0 && fewest <= MAX_ITEMS) {
    const more = Array.from({ length: fewest }, (_, n) => [`${OTHER_MEMBER}${n}`, others[0] ?? 1] as const);
    yield { ...least, ...Object.fromEntries(more) };
  }
  for (const [name, values] of samples) for (const value of values.slice(1, 6)) yield { ...least, [name]: value };
}

function* arrays(schema: SchemaObject, document: SchemaDocument, depth: number): Generator<JsonValue> {
  const first = schemaListAt(schema, 'prefixItems').map((item) => samplesOf(item, document, depth + 1)[0] ?? null);
  const items = samplesOf(schemaAt(schema, 'items'), document, depth + 1);
  const contained = 'contains' in schema ? samplesOf(schemaAt(schema, 'contains'), document, depth + 1) : [];
  const ofLength = (length: number, value: (n: number) => JsonValue) =>
    Array.from({ length }, (_, n) => first[n] ?? value(n));
  const lengths = [numberAt(schema, 'minItems') ?? 0, 1, 2, first.length, numberAt(schema, 'maxItems') ?? 3];
  for (const length of lengths.filter((it) => it <= MAX_ITEMS)) {
    yield ofLength(length, () => items[0] ?? 1);
    yield ofLength(length, (n) => items[n] ?? n);
    yield ofLength(length, () => contained[0] ?? 1);
  }
  for (const item of items.slice(1, 6)) yield [...first, item];
}

function* texts(schema: SchemaObject): Generator<string> {
  const least = Math.min(numberAt(schema, 'minLength') ?? 0, MAX_LENGTH);
  const most = Math.min(numberAt(schema, 'maxLength') ?? MAX_LENGTH, MAX_LENGTH);
  if (typeof schema.pattern === 'string') {
    for (const more of [0, 1, 3, 8, least]) yield textOfPattern(schema.pattern, more).slice(0, MAX_LENGTH);
  }
  for (const text of TEXTS) yield text.padEnd(least, text === '' ? 'x' : text).slice(0, most);
  yield 'x'.repeat(most === MAX_LENGTH ? least + 300 : most);
}

function* numbers(schema: SchemaObject): Generator<number> {
  const step = numberAt(schema, 'multipleOf') ?? 1;
  const bounds = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'].flatMap(
    (it) => numberAt(schema, it) ?? [],
  );
  for (const bound of bounds)
    yield* [bound, bound + 1, bound - 1, bound + 0.5, bound - 0.5, Math.ceil(bound / step) * step];
  for (const n of NUMBERS) yield* [n, n * step];
}
