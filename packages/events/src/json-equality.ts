import type { Ajv2020 } from 'ajv/dist/2020.js';
import { isJsonObject, type JsonValue } from './json/json-value.ts';

/**
 * Gives ajv the keywords that compare values anew. Its own ask the values for `constructor` and `valueOf`, which are members as any
 * other in data of strangers, and which objects that inherit nothing have not got; and it compares every item with every other one.
 */
export function useJsonEquality(ajv: Ajv2020): Ajv2020 {
  for (const keyword of ['const', 'enum', 'uniqueItems']) ajv.removeKeyword(keyword);
  ajv.addKeyword({ keyword: 'const', compile: (value: JsonValue) => isOneOf([value]) });
  ajv.addKeyword({ keyword: 'enum', schemaType: 'array', compile: isOneOf });
  return ajv.addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    compile: (isWanted: boolean) => {
      const validate = (items: JsonValue[]) => {
        const twins = isWanted ? findTwins(items) : undefined;
        Object.assign(validate, { errors: twins && [{ keyword: 'uniqueItems', params: twins }] });
        return twins === undefined;
      };
      return validate;
    },
  }) as Ajv2020;
}

function isOneOf(values: readonly JsonValue[]): (value: JsonValue) => boolean {
  const keys = new Set(values.map(keyOf));
  return (value) => keys.has(keyOf(value));
}

/** The indexes of two equal items. */
function findTwins(items: readonly JsonValue[]): { readonly i: number; readonly j: number } | undefined {
  const seen = new Map<unknown, number>();
  for (const [i, item] of items.entries()) {
    const key = keyOf(item);
    const j = seen.get(key);
    if (j !== undefined) return { i, j };
    seen.set(key, i);
  }
  return undefined;
}

/** The same for equal values and for no others: the order of members means nothing. */
function keyOf(value: JsonValue): unknown {
  if (typeof value === 'string') return `"${value}`;
  return typeof value === 'object' && value !== null ? textOf(value) : value;
}

function textOf(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(textOf).join()}]`;
  if (!isJsonObject(value)) return JSON.stringify(value);
  const members = Object.keys(value).sort();
  return `{${members.map((name) => `${JSON.stringify(name)}:${textOf(value[name] ?? null)}`).join()}}`;
}
