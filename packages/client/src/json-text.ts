/** JSON text that goes into an event as it is. Made by {@link rawJson}. */
export class RawJson {
  /** Valid JSON without line breaks. */
  readonly text: string;

  constructor(text: string) {
    JSON.parse(text);
    if (/\p{Surrogate}/u.test(text)) throw new SyntaxError('JSON text with half a surrogate pair');
    // Outside of strings, where alone they may stand, line breaks are only space; the body has one event a line.
    this.text = text.replace(/[\r\n]/g, ' ');
  }

  /** For `JSON.stringify`, which cannot keep every digit; the client itself writes `text`. */
  toJSON(): unknown {
    return JSON.parse(this.text);
  }
}

/**
 * Puts JSON text into `event_data`, as the whole or as a member, without JavaScript's numbers in between:
 * `rawJson('19.90')` arrives as 19.90 and `rawJson('9007199254740993')` as itself.
 *
 * @throws SyntaxError when the text is not one JSON value.
 */
export function rawJson(text: string): RawJson {
  return new RawJson(text);
}

/** A number in `event_data`: a bigint and {@link rawJson} keep every digit, a JavaScript number has about 16 of them. */
export type JsonNumber = number | bigint | RawJson;

/** A value that JSON cannot say; `pointer` is the place (JSON Pointer). */
export class UnwritableError extends Error {
  readonly pointer: string;

  constructor(pointer: string, reason: string) {
    super(`${pointer === '' ? 'the event' : pointer} ${reason}`);
    this.pointer = pointer;
  }
}

/** The receiver takes 32 levels; whoever has more than this has a cycle. */
const MAX_DEPTH = 100;

/**
 * JSON.stringify with three differences: bigints and RawJson keep every digit, what JSON.stringify would silently turn into
 * null or {} (NaN, Infinity, an invalid Date, Map, Set) throws an {@link UnwritableError}, and so does a cycle.
 */
export function writeJson(value: unknown): string {
  return write(value, []) ?? 'null';
}

function write(value: unknown, path: string[]): string | undefined {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'number':
      if (!Number.isFinite(value)) throw unwritable(path, `is ${value}, which JSON does not have`);
      return String(value);
    case 'boolean':
    case 'bigint':
      return String(value);
    case 'object':
      return value === null ? 'null' : writeObject(value, path);
    default:
      return undefined;
  }
}

function writeObject(value: object, path: string[]): string | undefined {
  if (path.length > MAX_DEPTH) throw unwritable(path.slice(0, 3), 'is nested too deeply, or contains itself');
  if (value instanceof RawJson) return value.text;
  const native = nativeRawJson(value);
  if (native !== undefined) return native;
  if (value instanceof Date && Number.isNaN(value.getTime())) throw unwritable(path, 'is an invalid Date');
  if (value instanceof Map || value instanceof Set)
    throw unwritable(path, 'is a Map or a Set, which JSON does not have');
  if (value instanceof Number || value instanceof String || value instanceof Boolean)
    return write(value.valueOf(), path);
  if ('toJSON' in value && typeof value.toJSON === 'function') return write(value.toJSON(path.at(-1) ?? ''), path);
  const parts: string[] = [];
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      path.push(String(index));
      parts.push(write(value[index], path) ?? 'null');
      path.pop();
    }
    return `[${parts.join(',')}]`;
  }
  for (const [name, member] of Object.entries(value)) {
    path.push(name);
    const text = write(member, path);
    if (text !== undefined) parts.push(`${JSON.stringify(name)}:${text}`);
    path.pop();
  }
  return `{${parts.join(',')}}`;
}

/** The text of what `JSON.rawJSON()` made, in engines that have it. */
function nativeRawJson(value: object): string | undefined {
  const { isRawJSON } = JSON as { isRawJSON?: (value: unknown) => boolean };
  return isRawJSON?.(value) ? (value as { rawJSON: string }).rawJSON : undefined;
}

function unwritable(path: readonly string[], reason: string): UnwritableError {
  return new UnwritableError(path.map((name) => `/${name.replace(/~/g, '~0').replace(/\//g, '~1')}`).join(''), reason);
}
