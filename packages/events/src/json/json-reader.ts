import { type Path, type ProblemList, quote } from '../problem-list.ts';
import { numberFault } from './json-numbers.ts';
import { type JsonArray, JsonMembers, type JsonObject, type JsonValue } from './json-value.ts';

/** Levels of objects and arrays that an event may have, itself included. */
const MAX_LEVELS = 32;

/** Thrown by JsonReader where the text leaves the grammar; caught in read-json.ts. */
export class JsonSyntaxError extends Error {
  /** Byte offset of the first byte that cannot be right; the length of the text where it ends too early. */
  readonly offset: number;
  readonly expected: string;

  constructor(offset: number, expected: string) {
    super(`expected ${expected}`);
    this.offset = offset;
    this.expected = expected;
  }
}

const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/**
 * Reads one JSON text: the grammar of RFC 8259 and nothing else, and beside it the rules that only a reader can check, because
 * they are gone from the value that it makes: names given twice, numbers as they are written, nesting. It stops at the first
 * break of the grammar, but gathers every break of those rules.
 *
 * It walks over the bytes as Latin-1 text, where an index is a byte offset, and decodes UTF-8 only in strings that need it.
 */
export class JsonReader {
  readonly #bytes: Buffer;
  readonly #text: string;
  readonly #problems: ProblemList;
  readonly #spanOf: string | undefined;
  readonly #path: (string | number)[] = [];
  #at = 0;
  #values = 0;
  #spanStart = -1;
  #spanEnd = -1;

  /** `bytes` must be valid UTF-8. `spanOf` names the member of the outermost object whose place in the bytes is wanted. */
  constructor(bytes: Buffer, problems: ProblemList, spanOf: string | undefined) {
    this.#bytes = bytes;
    this.#text = bytes.toString('latin1');
    this.#problems = problems;
    this.#spanOf = spanOf;
  }

  /** How many values (objects, arrays, strings, ...) have been read, those below the last allowed level not counted. */
  get values(): number {
    return this.#values;
  }

  /** The bytes of the first member that is called `spanOf`: a view of the input. */
  get span(): Buffer | undefined {
    return this.#spanStart < 0 ? undefined : this.#bytes.subarray(this.#spanStart, this.#spanEnd);
  }

  /** Reads the whole text. What a value has a problem with is replaced by something harmless. Throws JsonSyntaxError. */
  read(): JsonValue {
    this.#skipSpace();
    const value = this.#readValue();
    this.#skipSpace();
    if (this.#at < this.#text.length) throw this.#expected('the end of the text');
    return value;
  }

  #readValue(): JsonValue {
    this.#values++;
    const code = this.#peek();
    if (code === QUOTE) return this.#readString(false);
    if (code === OPEN_BRACE) return this.#readObject();
    if (code === OPEN_BRACKET) return this.#readArray();
    if (isNumberStart(code)) return this.#readNumber();
    return this.#readWord();
  }

  #readObject(): JsonObject {
    const members = new JsonMembers();
    if (this.#path.length >= MAX_LEVELS) {
      this.#refuseNesting();
      return members;
    }
    const level = this.#path.push('');
    const wantsSpan = level === 1 ? this.#spanOf : undefined;
    this.#at++;
    this.#skipSpace();
    if (this.#peek() === CLOSE_BRACE) this.#at++;
    else {
      do {
        this.#skipSpace();
        if (this.#peek() !== QUOTE) throw this.#expected('a member name in double quotes');
        const name = this.#readString(true);
        this.#path[level - 1] = name;
        this.#skipColon();
        const start = this.#at;
        const value = this.#readValue();
        if (members[name] === undefined) {
          members[name] = value;
          if (name === wantsSpan) {
            this.#spanStart = start;
            this.#spanEnd = this.#at;
          }
        } else {
          this.#problems.add('duplicate_member', this.#path, `The name ${quote(name)} is given more than once.`);
        }
        this.#skipSpace();
      } while (this.#goesOn(CLOSE_BRACE, 'a comma or the end of the object'));
    }
    this.#path.pop();
    return members;
  }

  #readArray(): JsonArray {
    const items: JsonArray = [];
    if (this.#path.length >= MAX_LEVELS) {
      this.#refuseNesting();
      return items;
    }
    const level = this.#path.push(0);
    this.#at++;
    this.#skipSpace();
    if (this.#peek() === CLOSE_BRACKET) this.#at++;
    else {
      do {
        this.#skipSpace();
        this.#path[level - 1] = items.length;
        items.push(this.#readValue());
        this.#skipSpace();
      } while (this.#goesOn(CLOSE_BRACKET, 'a comma or the end of the array'));
    }
    this.#path.pop();
    return items;
  }

  #refuseNesting(): void {
    this.#problems.add(
      'nested_too_deep',
      this.#path,
      `Objects and arrays may be nested in ${MAX_LEVELS} levels (the event is the first); this one is deeper.`,
    );
    this.#skipNested();
  }

  /**
   * Only checks the grammar of an object or array, with a stack of its own: a text of a million brackets must neither
   * overflow the call stack nor make a million objects.
   */
  #skipNested(): void {
    const closers: number[] = [];
    do {
      const code = this.#peek();
      if (code === OPEN_BRACE || code === OPEN_BRACKET) {
        closers.push(code === OPEN_BRACE ? CLOSE_BRACE : CLOSE_BRACKET);
        this.#at++;
        this.#skipSpace();
        if (this.#peek() !== closers.at(-1)) {
          this.#skipName(closers.at(-1));
          continue;
        }
      } else if (code === QUOTE) this.#scanString();
      else if (isNumberStart(code)) this.#scanNumber();
      else this.#readWord();
      this.#skipClosers(closers);
    } while (closers.length > 0);
  }

  /** After a value: past everything that ends here, and past the comma before the next value. */
  #skipClosers(closers: number[]): void {
    for (;;) {
      const closer = closers.at(-1);
      if (closer === undefined) return;
      this.#skipSpace();
      const end = closer === CLOSE_BRACE ? 'a comma or the end of the object' : 'a comma or the end of the array';
      if (this.#goesOn(closer, end)) {
        this.#skipSpace();
        this.#skipName(closer);
        return;
      }
      closers.pop();
    }
  }

  #skipName(closer: number | undefined): void {
    if (closer !== CLOSE_BRACE) return;
    if (this.#peek() !== QUOTE) throw this.#expected('a member name in double quotes');
    this.#scanString();
    this.#skipColon();
  }

  #readString(isName: boolean): string {
    const start = this.#at;
    const content = this.#scanString();
    const end = this.#at;
    if (content === 'plain') return this.#text.slice(start + 1, end - 1);
    if (content === 'utf8') return this.#bytes.toString('utf8', start + 1, end - 1);
    const value: string = JSON.parse(this.#bytes.toString('utf8', start, end));
    const place: Path = isName ? this.#path.slice(0, -1) : this.#path;
    const what = isName ? `The member name ${quote(value)}` : 'The string';
    if (value.includes('\0')) {
      this.#problems.add('null_character', place, `${what} contains U+0000 (\\u0000), which cannot be stored.`);
    }
    if (!value.isWellFormed()) {
      this.#problems.add(
        'lone_surrogate',
        place,
        `${what} contains half of a surrogate pair, which is not a character.`,
      );
    }
    return value;
  }

  /** Moves past a string. Tells how it must be decoded: as it stands, from UTF-8, or with its escapes. */
  #scanString(): 'plain' | 'utf8' | 'escaped' {
    const text = this.#text;
    let at = this.#at + 1;
    let content: 'plain' | 'utf8' | 'escaped' = 'plain';
    for (;;) {
      const code = text.charCodeAt(at);
      if (code === QUOTE) break;
      if (code === BACKSLASH) {
        content = 'escaped';
        at = this.#endOfEscape(at);
      } else if (code >= SPACE) {
        if (code > 0x7f && content === 'plain') content = 'utf8';
        at++;
      } else {
        this.#at = at;
        throw this.#expected('the rest of a string (control characters must be escaped)');
      }
    }
    this.#at = at + 1;
    return content;
  }

  #endOfEscape(backslashAt: number): number {
    const letter = this.#text.charAt(backslashAt + 1);
    this.#at = backslashAt + 1;
    if (letter !== 'u') {
      if (letter === '' || !'"\\/bfnrt'.includes(letter))
        throw this.#expected('one of " \\ / b f n r t u after a backslash');
      return backslashAt + 2;
    }
    for (let at = backslashAt + 2; at < backslashAt + 6; at++) {
      if (!isHexDigit(this.#text.charCodeAt(at))) {
        this.#at = at;
        throw this.#expected('four hexadecimal digits after \\u');
      }
    }
    return backslashAt + 6;
  }

  #readNumber(): number {
    const start = this.#at;
    const isShortInteger = this.#scanNumber() && this.#at - start < 16;
    const text = this.#text.slice(start, this.#at);
    const value = Number(text);
    if (isShortInteger) return value;
    const fault = numberFault(text, value);
    if (fault === undefined) return value;
    this.#problems.add(fault.code, this.#path, fault.detail);
    return 0;
  }

  /** Moves past a number and tells whether it is an integer without an exponent. */
  #scanNumber(): boolean {
    let isInteger = true;
    if (this.#peek() === MINUS) this.#at++;
    if (this.#peek() === ZERO) this.#at++;
    else this.#scanDigits('a digit');
    if (this.#peek() === POINT) {
      isInteger = false;
      this.#at++;
      this.#scanDigits('a digit after the decimal point');
    }
    if ((this.#peek() | 0x20) === 0x65) {
      isInteger = false;
      this.#at++;
      const sign = this.#peek();
      if (sign === PLUS || sign === MINUS) this.#at++;
      this.#scanDigits('a digit of the exponent');
    }
    return isInteger;
  }

  #scanDigits(expected: string): void {
    const start = this.#at;
    while (isDigit(this.#peek())) this.#at++;
    if (this.#at === start) throw this.#expected(expected);
  }

  #readWord(): JsonValue {
    if (this.#text.startsWith('true', this.#at)) {
      this.#at += 4;
      return true;
    }
    if (this.#text.startsWith('false', this.#at)) {
      this.#at += 5;
      return false;
    }
    if (this.#text.startsWith('null', this.#at)) {
      this.#at += 4;
      return null;
    }
    throw this.#expected('a JSON value');
  }

  #skipColon(): void {
    this.#skipSpace();
    if (this.#peek() !== COLON) throw this.#expected('a colon after the member name');
    this.#at++;
    this.#skipSpace();
  }

  /** Moves past a comma (true) or past the end of the object or array (false). */
  #goesOn(closer: number, expected: string): boolean {
    const code = this.#peek();
    if (code !== COMMA && code !== closer) throw this.#expected(expected);
    this.#at++;
    return code === COMMA;
  }

  #skipSpace(): void {
    for (;;) {
      const code = this.#peek();
      if (code !== SPACE && code !== LINE_FEED && code !== CARRIAGE_RETURN && code !== TAB) return;
      this.#at++;
    }
  }

  /** NaN at the end of the text, which is unequal to every character and fails every range. */
  #peek(): number {
    return this.#text.charCodeAt(this.#at);
  }

  #expected(what: string): JsonSyntaxError {
    return new JsonSyntaxError(this.#at, what);
  }
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}

function isNumberStart(code: number): boolean {
  return code === MINUS || isDigit(code);
}

function isHexDigit(code: number): boolean {
  return isDigit(code) || ((code | 0x20) >= 0x61 && (code | 0x20) <= 0x66);
}
