import {
  BACKSLASH,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  isDigit,
  isSpace,
  MINUS,
  OPEN_BRACE,
  OPEN_BRACKET,
  POINT,
  QUOTE,
  SMALL_U,
  SPACE,
  ZERO,
} from '../json/json-bytes.ts';

/** Scanning without making values: see scan-event.ts. All positions are offsets in the bytes, and -1 is "I do not know". */
export const NOT_PLAIN = -1;

/** What is scanned before the first text and after the last one. */
export const NO_BYTES = Buffer.alloc(0);

/** Levels of objects and arrays, as in json-reader.ts. */
const MAX_LEVELS = 32;

/** Members of one object, each of which is compared with all before it. */
const MAX_MEMBERS = 32;
const MAX_NAME_BYTES = 64;

/** A number that is written without an exponent and with so few digits neither overflows a double nor vanishes in it. */
const MAX_NUMBER_BYTES = 100;

/** Numbers kept of each member of an object: where its name begins and ends (without the quotes), and where its value begins. */
export const MEMBER_SIZE = 3;

/**
 * Passes over values of the grammar of RFC 8259, as far as they are plain; the bytes must be UTF-8. What is plain keeps every rule
 * of json-reader.ts, too: unique names, short numbers, few levels, no character that cannot be stored. Nothing that ends behind
 * `limit` is plain.
 */
export class ValueScanner {
  bytes: Buffer = NO_BYTES;
  limit = 0;
  /** The members of the objects that are open, from the outside in, MEMBER_SIZE numbers each; what is at or behind `top` is old. */
  readonly members = new Int32Array(MAX_LEVELS * MAX_MEMBERS * MEMBER_SIZE);
  top = 0;

  /** Begins anew with other bytes: a scanner is used again and again, because making one costs as much as a short scan. */
  begin(bytes: Buffer, limit: number): void {
    this.bytes = bytes;
    this.limit = limit;
    this.top = 0;
  }

  /** The byte at this place; behind the end undefined, which is unequal to every byte and lies in no range. */
  peek(at: number): number {
    return this.bytes[at] as number;
  }

  skipSpace(start: number): number {
    const { bytes } = this;
    let at = start;
    while ((bytes[at] as number) <= SPACE && isSpace(bytes[at] as number)) at++;
    return at;
  }

  /** From an opening bracket, or a comma, to what comes next. */
  next(at: number): number {
    return this.skipSpace(at + 1);
  }

  /** Past the colon that may only have white space around it, up to the value. */
  colon(start: number): number {
    const at = this.skipSpace(start);
    return this.peek(at) === COLON ? this.skipSpace(at + 1) : NOT_PLAIN;
  }

  /** Past a string without escapes, whose quote stands at `start`. */
  plainString(start: number): number {
    const { bytes } = this;
    let at = start + 1;
    while (IN_STRING[bytes[at] as number] === 1) at++;
    return bytes[at] === QUOTE && at < this.limit ? at + 1 : NOT_PLAIN;
  }

  /** Past a value. `level` is that of the object or array around it. */
  value(at: number, level: number): number {
    const code = this.peek(at);
    if (code === QUOTE) return this.#string(at);
    if (code === OPEN_BRACE) {
      const top = this.top;
      const end = this.object(at, level + 1);
      this.top = top;
      return end;
    }
    if (code === OPEN_BRACKET) return this.#array(at, level + 1);
    return code === MINUS || isDigit(code) ? this.number(at) : this.#word(at, code);
  }

  /** Past an object, whose members are then the last ones of `members`. */
  object(start: number, level: number): number {
    if (level > MAX_LEVELS) return NOT_PLAIN;
    const first = this.top;
    let at = this.next(start);
    if (this.peek(at) === CLOSE_BRACE) return at + 1;
    for (;;) {
      if (this.peek(at) !== QUOTE) return NOT_PLAIN;
      const nameEnd = this.plainString(at);
      if (nameEnd < 0 || !this.#isNewName(first, at + 1, nameEnd - 1)) return NOT_PLAIN;
      const valueStart = this.colon(nameEnd);
      if (valueStart < 0) return NOT_PLAIN;
      this.members[this.top++] = at + 1;
      this.members[this.top++] = nameEnd - 1;
      this.members[this.top++] = valueStart;
      at = this.value(valueStart, level);
      if (at < 0) return NOT_PLAIN;
      at = this.skipSpace(at);
      const code = this.peek(at);
      if (code === CLOSE_BRACE) return at + 1;
      if (code !== COMMA) return NOT_PLAIN;
      at = this.next(at);
    }
  }

  /** Past a number; up to its exponent where it has one, which nothing may follow. */
  number(start: number): number {
    let at = this.peek(start) === MINUS ? start + 1 : start;
    const firstDigit = this.peek(at);
    if (!isDigit(firstDigit)) return NOT_PLAIN;
    at = firstDigit === ZERO ? at + 1 : this.#digits(at);
    if (this.peek(at) === POINT) {
      const fraction = at + 1;
      at = this.#digits(fraction);
      if (at === fraction) return NOT_PLAIN;
    }
    return at - start <= MAX_NUMBER_BYTES ? at : NOT_PLAIN;
  }

  #array(start: number, level: number): number {
    if (level > MAX_LEVELS) return NOT_PLAIN;
    let at = this.next(start);
    if (this.peek(at) === CLOSE_BRACKET) return at + 1;
    for (;;) {
      at = this.value(at, level);
      // Of what ends behind the limit an array may be the longest part.
      if (at < 0 || at > this.limit) return NOT_PLAIN;
      at = this.skipSpace(at);
      const code = this.peek(at);
      if (code === CLOSE_BRACKET) return at + 1;
      if (code !== COMMA) return NOT_PLAIN;
      at = this.next(at);
    }
  }

  /** Past a string, whose escapes must write characters that can be stored. */
  #string(start: number): number {
    const { bytes } = this;
    let at = start + 1;
    for (;;) {
      while (IN_STRING[bytes[at] as number] === 1) at++;
      if (bytes[at] !== BACKSLASH) return bytes[at] === QUOTE && at < this.limit ? at + 1 : NOT_PLAIN;
      at = this.#escape(at);
      if (at < 0) return NOT_PLAIN;
    }
  }

  #escape(start: number): number {
    const letter = this.peek(start + 1);
    if (letter !== SMALL_U) return isShortEscape(letter) ? start + 2 : NOT_PLAIN;
    const unit = this.#hexUnit(start + 2);
    if (unit <= 0) return NOT_PLAIN;
    if (unit < 0xd800 || unit > 0xdfff) return start + 6;
    if (unit > 0xdbff || this.peek(start + 6) !== BACKSLASH || this.peek(start + 7) !== SMALL_U) return NOT_PLAIN;
    const second = this.#hexUnit(start + 8);
    return second >= 0xdc00 && second <= 0xdfff ? start + 12 : NOT_PLAIN;
  }

  /** The UTF-16 unit that four hexadecimal digits write. */
  #hexUnit(start: number): number {
    let unit = 0;
    for (let at = start; at < start + 4; at++) {
      const code = this.peek(at);
      const letter = code | 0x20;
      if (isDigit(code)) unit = unit * 16 + code - ZERO;
      else if (letter >= 0x61 && letter <= 0x66) unit = unit * 16 + letter - 0x57;
      else return NOT_PLAIN;
    }
    return unit;
  }

  #digits(start: number): number {
    let at = start;
    while (isDigit(this.peek(at))) at++;
    return at;
  }

  /** Past true, false or null. */
  #word(at: number, first: number): number {
    if (first === 0x74) return this.spells(TRUE, at);
    if (first === 0x66) return this.spells(FALSE, at);
    return first === 0x6e ? this.spells(NULL, at) : NOT_PLAIN;
  }

  /** Past these bytes, if they stand here. */
  spells(word: Buffer, start: number): number {
    const { length } = word;
    if (start + length > this.limit) return NOT_PLAIN;
    const { bytes } = this;
    for (let index = 0; index < length; index++) if (bytes[start + index] !== word[index]) return NOT_PLAIN;
    return start + length;
  }

  /** Whether none of the members from `first` on has this name. */
  #isNewName(first: number, start: number, end: number): boolean {
    const { bytes, members, top } = this;
    const length = end - start;
    if (length > MAX_NAME_BYTES || top - first >= MAX_MEMBERS * MEMBER_SIZE) return false;
    for (let member = first; member < top; member += MEMBER_SIZE) {
      const other = members[member] as number;
      if ((members[member + 1] as number) - other !== length) continue;
      let index = 0;
      while (index < length && bytes[other + index] === bytes[start + index]) index++;
      if (index === length) return false;
    }
    return true;
  }
}

/** 1 for the bytes that stand for themselves in a string: one look-up a byte in place of three comparisons. */
const IN_STRING = Uint8Array.from({ length: 256 }, (_, code) =>
  code >= SPACE && code !== QUOTE && code !== BACKSLASH ? 1 : 0,
);
const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');
const NULL = Buffer.from('null');

/** The letters " \ / b f n r t. */
function isShortEscape(code: number): boolean {
  switch (code) {
    case QUOTE:
    case BACKSLASH:
    case 0x2f:
    case 0x62:
    case 0x66:
    case 0x6e:
    case 0x72:
    case 0x74:
      return true;
    default:
      return false;
  }
}
