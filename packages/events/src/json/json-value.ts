export type JsonValue = null | boolean | number | string | JsonArray | JsonObject;
export type JsonArray = JsonValue[];
export interface JsonObject {
  [name: string]: JsonValue;
}

/**
 * Makes the objects of the reader. They inherit nothing, so that `__proto__`, `constructor` and the like are names as any
 * other. A constructor and not Object.create(null), with which reading an event takes a seventh longer.
 */
export const JsonMembers = function JsonMembers() {} as unknown as { new (): JsonObject };
JsonMembers.prototype = Object.create(null);

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** For a detail: what the value is, with its article. */
export function nameOfType(value: JsonValue): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'boolean') return String(value);
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
