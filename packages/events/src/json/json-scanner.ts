import {
  BACKSLASH,
  CARRIAGE_RETURN,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  isDigit,
  LINE_FEED,
  MINUS,
  OPEN_BRACE,
  OPEN_BRACKET,
  PLUS,
  POINT,
  QUOTE,
  SPACE,
  TAB,
  ZERO,
} from './json-bytes.ts';

/** Thrown where a text leaves the grammar; caught in read-json.ts. */
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

/** How the content of a string must be decoded: as it stands, from UTF-8, or with its escapes. */
export type StringContent = 'plain' | 'utf8' | 'escaped';

const NO_CLOSERS = new Uint8Array(0);

/**
 * The grammar of RFC 8259 and nothing else: moves over a text, token by token, and throws JsonSyntaxError where the text breaks
 * it. Makes no values. All signs of the grammar are ASCII, so a byte is a sign.
 */
export class JsonScanner {
  readonly #bytes: Buffer;
  /** Made when it is needed first: of an array of plain events never, and it would be the largest object of a batch. */
  #text: string | undefined;
  /** Offset of the next byte. */
  at = 0;
  /** The closing brackets that are still to come, from the outside in. */
  #closers = NO_CLOSERS;
  /** How many of them, while value() has not come to the end. */
  #depth = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** The bytes as Latin-1, in which an index is a byte offset: strings and words are found faster in it. */
  get text(): string {
    this.#text ??= this.#bytes.toString('latin1');
    return this.#text;
  }

  /** The next byte; NaN at the end of the text, which is unequal to every byte and lies in no range. */
  peek(): number {
    return this.#bytes[this.at] ?? Number.NaN;
  }

  skipSpace(): void {
    for (;;) {
      const code = this.peek();
      if (code !== SPACE && code !== LINE_FEED && code !== CARRIAGE_RETURN && code !== TAB) return;
      this.at++;
    }
  }

  /** Past white space up to the end of the text, where there must be nothing else. */
  end(): void {
    this.skipSpace();
    if (this.at < this.#bytes.length) throw this.#expected('the end of the text');
  }

  /** Past the opening bracket: true at the first item or member, false past the closing bracket of an empty container. */
  enters(closer: number): boolean {
    this.at++;
    this.skipSpace();
    if (this.peek() !== closer) return true;
    this.at++;
    return false;
  }

  /** After an item or member: true at the next one, false past the closing bracket. */
  goesOn(closer: number): boolean {
    this.skipSpace();
    const code = this.peek();
    if (code !== COMMA && code !== closer) {
      throw this.#expected(`a comma or the end of the ${closer === CLOSE_BRACE ? 'object' : 'array'}`);
    }
    this.at++;
    if (code === closer) return false;
    this.skipSpace();
    return true;
  }

  /** Past a member name, which must be a string; the colon is still to come. */
  name(): StringContent {
    if (this.peek() !== QUOTE) throw this.#expected('a member name in double quotes');
    return this.string();
  }

  /** Past the colon, up to the value. */
  colon(): void {
    this.skipSpace();
    if (this.peek() !== COLON) throw this.#expected('a colon after the member name');
    this.at++;
    this.skipSpace();
  }

  /** Past a string, whose quote is the next byte. */
  string(): StringContent {
    const text = this.text;
    let at = this.at + 1;
    let content: StringContent = 'plain';
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
        this.at = at;
        throw this.#expected('the rest of a string (control characters must be escaped)');
      }
    }
    this.at = at + 1;
    return content;
  }

  /** Whether the next value can only be a number. */
  isAtNumber(): boolean {
    const code = this.peek();
    return code === MINUS || isDigit(code);
  }

  /** Past a number; true when it is written without fraction and exponent. */
  number(): boolean {
    let isInteger = true;
    if (this.peek() === MINUS) this.at++;
    if (this.peek() === ZERO) this.at++;
    else this.#digits('a digit');
    if (this.peek() === POINT) {
      isInteger = false;
      this.at++;
      this.#digits('a digit after the decimal point');
    }
    if ((this.peek() | 0x20) === 0x65) {
      isInteger = false;
      this.at++;
      const sign = this.peek();
      if (sign === PLUS || sign === MINUS) this.at++;
      this.#digits('a digit of the exponent');
    }
    return isInteger;
  }

  /** Past true, false or null, which is also the answer. */
  word(): boolean | null {
    if (this.#skips('true')) return true;
    if (this.#skips('false')) return false;
    if (this.#skips('null')) return null;
    throw this.#expected('a JSON value');
  }

  /**
   * Past a value with all that is in it. Has a stack of its own, of a byte a level: a text of a million brackets must neither
   * overflow the call stack nor make a million objects. Stops after `steps` of the values in it: then it is false, and the next
   * call goes on.
   */
  value(steps = Number.POSITIVE_INFINITY): boolean {
    let depth = this.#depth;
    this.#depth = 0;
    let left = steps;
    do {
      if (left-- === 0) {
        this.#depth = depth;
        return false;
      }
      const code = this.peek();
      if (code === OPEN_BRACE || code === OPEN_BRACKET) {
        const closer = code === OPEN_BRACE ? CLOSE_BRACE : CLOSE_BRACKET;
        if (this.enters(closer)) {
          this.#remember(closer, depth++);
          this.#nameOfMember(closer);
          continue;
        }
      } else if (code === QUOTE) this.string();
      else if (this.isAtNumber()) this.number();
      else this.word();
      depth = this.#leaveEnded(depth);
    } while (depth > 0);
    return true;
  }

  #remember(closer: number, level: number): void {
    if (level >= this.#closers.length) {
      const more = new Uint8Array(Math.max(64, 2 * level));
      more.set(this.#closers);
      this.#closers = more;
    }
    this.#closers[level] = closer;
  }

  /** After a value: past all that ends here, up to the next value. Returns how many levels are still open. */
  #leaveEnded(depth: number): number {
    for (let level = depth - 1; level >= 0; level--) {
      const closer = this.#closers[level] ?? 0;
      if (this.goesOn(closer)) {
        this.#nameOfMember(closer);
        return level + 1;
      }
    }
    return 0;
  }

  /** In an object, past the name and colon before the value. */
  #nameOfMember(closer: number): void {
    if (closer !== CLOSE_BRACE) return;
    this.name();
    this.colon();
  }

  #skips(word: string): boolean {
    if (!this.text.startsWith(word, this.at)) return false;
    this.at += word.length;
    return true;
  }

  #endOfEscape(backslashAt: number): number {
    const letter = this.text.charAt(backslashAt + 1);
    this.at = backslashAt + 1;
    if (letter !== 'u') {
      if (letter === '' || !'"\\/bfnrt'.includes(letter)) {
        throw this.#expected('one of " \\ / b f n r t u after a backslash');
      }
      return backslashAt + 2;
    }
    for (let at = backslashAt + 2; at < backslashAt + 6; at++) {
      if (!isHexDigit(this.text.charCodeAt(at))) {
        this.at = at;
        throw this.#expected('four hexadecimal digits after \\u');
      }
    }
    return backslashAt + 6;
  }

  #digits(expected: string): void {
    const start = this.at;
    while (isDigit(this.peek())) this.at++;
    if (this.at === start) throw this.#expected(expected);
  }

  #expected(what: string): JsonSyntaxError {
    return new JsonSyntaxError(this.at, what);
  }
}

function isHexDigit(code: number): boolean {
  return isDigit(code) || ((code | 0x20) >= 0x61 && (code | 0x20) <= 0x66);
}
