/** Gets a number and its text; gives what stands for it. */
export type ReadNumber = (value: number, text: string) => unknown;

/**
 * What JSON.parse should read; what tests compare with.
 *
 * V8 (Node 24 to 26 at least) reads an escaped character of a member's name as a backslash, once it has read a name that begins with
 * a backslash (nodejs/node#63785). So JSON.parse gets no escapes here: they are undone before, and what cannot stand in a string
 * without one is written with percent signs meanwhile.
 *
 * @throws SyntaxError where the text is not JSON.
 */
export function parseJson(text: string, readNumber: ReadNumber = (value) => value): unknown {
  const withoutEscapes = text.replace(/"(?:[^"\\]|\\.)*"/gs, (string) => `"${encode(JSON.parse(string))}"`);
  return decode(
    parseWithSource(withoutEscapes, (_, value, { source = '' }) =>
      typeof value === 'number' ? new Read(readNumber(value, source)) : value,
    ),
  );
}

const parseWithSource = JSON.parse as (
  text: string,
  reviver: (name: string, value: unknown, context: { readonly source?: string }) => unknown,
) => unknown;

/** A number that was read: decoding leaves it alone. */
class Read {
  readonly value: unknown;

  constructor(value: unknown) {
    this.value = value;
  }
}

function encode(text: string): string {
  return text.replace(/[%"\\\p{Cc}]/gu, (character) => `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

function decode(value: unknown): unknown {
  if (typeof value === 'string') {
    return value.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  }
  if (value instanceof Read) return value.value;
  if (Array.isArray(value)) return value.map(decode);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [decode(name), decode(member)]));
}
