import type { SchemaObject } from './schema-value.ts';

/** `number` stands for every number, `integer` for those alone that are whole. */
export type JsonType = 'null' | 'boolean' | 'object' | 'array' | 'string' | 'number' | 'integer';

const EVERYTHING: readonly JsonType[] = ['null', 'boolean', 'object', 'array', 'string', 'number'];

/** The types that values may be of which keep all of the schemas, by their keyword `type`. */
export function typesOf(parts: readonly SchemaObject[]): Set<JsonType> {
  let types = new Set(EVERYTHING);
  for (const part of parts) {
    const own = typesAt(part);
    if (own) types = intersection(types, own);
  }
  return types;
}

/** The keyword `type`; undefined where there is none. */
export function typesAt({ type }: SchemaObject): Set<JsonType> | undefined {
  if (type === undefined) return undefined;
  const types = new Set([type].flat() as JsonType[]);
  if (types.has('number')) types.delete('integer');
  return types;
}

/** Those of `types` that are not among `allowed`. */
export function typesBeyond(types: ReadonlySet<JsonType>, allowed: ReadonlySet<JsonType>): JsonType[] {
  return [...types].filter((type) => !allowed.has(type) && !(type === 'integer' && allowed.has('number')));
}

function intersection(a: ReadonlySet<JsonType>, b: ReadonlySet<JsonType>): Set<JsonType> {
  const both = new Set<JsonType>();
  for (const type of a) {
    if (b.has(type) || (type === 'integer' && b.has('number'))) both.add(type);
    else if (type === 'number' && b.has('integer')) both.add('integer');
  }
  return both;
}
