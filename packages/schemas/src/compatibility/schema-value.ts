import type { JsonValue } from '@kero/events';

/** A schema within a schema: an object of keywords, or true (everything) or false (nothing). */
export type Schema = boolean | SchemaObject;
export type SchemaObject = Readonly<Record<string, unknown>>;

export function isSchemaObject(value: unknown): value is SchemaObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isSchema(value: unknown): value is Schema {
  return typeof value === 'boolean' || isSchemaObject(value);
}

/** The schema at a keyword; `true` where there is none. */
export function schemaAt(schema: SchemaObject, keyword: string): Schema {
  const value = schema[keyword];
  return isSchema(value) ? value : true;
}

/** The named schemas at a keyword, for example those of `properties`. */
export function schemasAt(schema: SchemaObject, keyword: string): ReadonlyMap<string, Schema> {
  const value = schema[keyword];
  const entries = isSchemaObject(value) ? Object.entries(value) : [];
  return new Map(entries.filter((entry): entry is [string, Schema] => isSchema(entry[1])));
}

export function schemaListAt(schema: SchemaObject, keyword: string): readonly Schema[] {
  const value = schema[keyword];
  return Array.isArray(value) ? value.filter(isSchema) : [];
}

export function numberAt(schema: SchemaObject, keyword: string): number | undefined {
  const value = schema[keyword];
  return typeof value === 'number' ? value : undefined;
}

export function namesAt(schema: SchemaObject, keyword: string): readonly string[] {
  const value = schema[keyword];
  return Array.isArray(value) ? value.filter((name) => typeof name === 'string') : [];
}

/** The values of `const` or `enum`; undefined where neither is. */
export function valuesAt(schema: SchemaObject): readonly JsonValue[] | undefined {
  if ('const' in schema) return [schema.const as JsonValue];
  return Array.isArray(schema.enum) ? (schema.enum as JsonValue[]) : undefined;
}

const SCHEMA_MAPS = ['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas'];
const SCHEMA_LISTS = ['allOf', 'anyOf', 'oneOf', 'prefixItems'];
const SCHEMAS = [
  ...['additionalProperties', 'propertyNames', 'items', 'contains', 'not', 'if', 'then', 'else'],
  ...['unevaluatedProperties', 'unevaluatedItems'],
];
/** Keywords that refuse nothing. */
const ANNOTATIONS = [
  ...['title', 'description', 'default', 'examples', '$comment', 'deprecated', 'readOnly', 'writeOnly', 'format'],
  ...['contentEncoding', 'contentMediaType', 'contentSchema', '$schema'],
];
/** Lists whose order means nothing. */
const SETS = ['required', 'type'];

/** The same text for schemas that mean the same, as far as one sees at a glance: without annotations, members sorted. */
export function canonicalText(schema: unknown): string {
  if (!isSchemaObject(schema)) return JSON.stringify(schema) ?? 'null';
  const parts: string[] = [];
  for (const keyword of Object.keys(schema).sort()) {
    if (ANNOTATIONS.includes(keyword)) continue;
    parts.push(`${JSON.stringify(keyword)}:${canonicalKeyword(keyword, schema[keyword])}`);
  }
  return `{${parts.join(',')}}`;
}

function canonicalKeyword(keyword: string, value: unknown): string {
  if (SCHEMAS.includes(keyword)) return canonicalText(value);
  if (SCHEMA_LISTS.includes(keyword) && Array.isArray(value)) return `[${value.map(canonicalText).join(',')}]`;
  if (SCHEMA_MAPS.includes(keyword) && isSchemaObject(value)) {
    const names = Object.keys(value).sort();
    return `{${names.map((name) => `${JSON.stringify(name)}:${canonicalText(value[name])}`).join(',')}}`;
  }
  if (SETS.includes(keyword) && Array.isArray(value)) return JSON.stringify([...value].sort());
  return canonicalJson(value);
}

function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (!isSchemaObject(value)) return JSON.stringify(value) ?? 'null';
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonicalJson(value[name])}`).join(',')}}`;
}

/** Calls `visit` for the schema and every schema in it. */
export function walkSchemas(schema: Schema, visit: (schema: SchemaObject) => void): void {
  if (!isSchemaObject(schema)) return;
  visit(schema);
  for (const keyword of SCHEMAS) walkSchemas(schemaAt(schema, keyword), visit);
  for (const keyword of SCHEMA_LISTS) for (const inner of schemaListAt(schema, keyword)) walkSchemas(inner, visit);
  for (const keyword of SCHEMA_MAPS) for (const inner of schemasAt(schema, keyword).values()) walkSchemas(inner, visit);
}
