/** A name in the style of TypeScript's types, out of any text: `order.placed` becomes `OrderPlaced`. */
export function typeName(text: string): string {
  const words = text.split(/[^\p{ID_Continue}]+|_+/u).filter((word) => word !== '');
  const name = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
  return /^\p{ID_Start}/u.test(name) ? name : `Type${name}`;
}

/** A member's name, in quotes where it needs them. */
export function memberName(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}

/** The type of one JSON value. */
export function literalType(value: unknown): string {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : 'JsonNumber';
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `readonly [${value.map(literalType).join(', ')}]`;
  const members = Object.entries(value).map(([name, member]) => `readonly ${memberName(name)}: ${literalType(member)}`);
  return `{ ${members.join('; ')} }`;
}

/** Any of these types, each once. */
export function union(types: readonly string[]): string {
  const different = [...new Set(types)].filter((type) => type !== 'never');
  if (different.includes('unknown')) return 'unknown';
  if (different.length <= 1) return different[0] ?? 'never';
  return different.map((type) => (/^[\w"]/.test(type) && !/[&|\n]/.test(type) ? type : `(${type})`)).join(' | ');
}

/** Puts what a schema says about itself above a line. */
export function withComment(text: string | undefined, space: string, line: string): string {
  if (text === undefined || text.trim() === '') return line;
  const lines = text.trim().replace(/\*\//g, '*\\/').split(/\r?\n/);
  if (lines.length === 1) return `${space}/** ${lines[0]} */\n${line}`;
  return [`${space}/**`, ...lines.map((one) => `${space} * ${one}`), `${space} */`, line].join('\n');
}
