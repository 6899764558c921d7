import { type Path, type ProblemList, quote } from '../problem-list.ts';
import { CLOSE_BRACE, CLOSE_BRACKET, OPEN_BRACE, OPEN_BRACKET, QUOTE } from './json-bytes.ts';
import { numberFault } from './json-numbers.ts';
import { JsonScanner, type StringContent } from './json-scanner.ts';
import { type JsonArray, JsonMembers, type JsonObject, type JsonValue } from './json-value.ts';

/** Levels of objects and arrays that an event may have, itself included. */
const MAX_LEVELS = 32;

/**
 * Makes the value of one JSON text, and checks beside it the rules that only a reader can check, because they cannot be seen in the
 * value any more: names given twice, numbers as they are written, nesting. It gathers every break of those rules; only a break
 * of the grammar ends the reading.
 */
export class JsonReader {
  readonly #bytes: Buffer;
  readonly #scanner: JsonScanner;
  readonly #problems: ProblemList;
  readonly #spanOf: string | undefined;
  readonly #path: (string | number)[] = [];
  #values = 0;
  #longestName = 0;
  #spanStart = -1;
  #spanEnd = -1;

  /** `bytes` must be valid UTF-8. `spanOf` names the member of the outermost object whose place in the bytes is wanted. */
  constructor(bytes: Buffer, problems: ProblemList, spanOf: string | undefined) {
    this.#bytes = bytes;
    this.#scanner = new JsonScanner(bytes);
    this.#problems = problems;
    this.#spanOf = spanOf;
  }

  /**
   * How many values (objects, arrays, strings, ...) have been read, those below the last allowed level not counted; each the
   * heavier the longer the longest name is, because a place repeats the names that lead to it.
   */
  get weight(): number {
    return this.#values * Math.ceil((this.#longestName + 1) / 100);
  }

  /** The bytes of the first member that is called `spanOf`: a view of the input. */
  get span(): Buffer | undefined {
    return this.#spanStart < 0 ? undefined : this.#bytes.subarray(this.#spanStart, this.#spanEnd);
  }

  /** Reads the whole text. What a value has a problem with is replaced by something harmless. Throws JsonSyntaxError. */
  read(): JsonValue {
    this.#scanner.skipSpace();
    const value = this.#readValue();
    this.#scanner.end();
    return value;
  }

  #readValue(): JsonValue {
    this.#values++;
    const scanner = this.#scanner;
    const code = scanner.peek();
    if (code === QUOTE) return this.#readString();
    if (code === OPEN_BRACE) return this.#readObject();
    if (code === OPEN_BRACKET) return this.#readArray();
    return scanner.isAtNumber() ? this.#readNumber() : scanner.word();
  }

  #readObject(): JsonObject {
    const scanner = this.#scanner;
    const members = new JsonMembers();
    if (this.#isTooDeep()) return members;
    const level = this.#path.push('');
    const spanOf = level === 1 ? this.#spanOf : undefined;
    for (let more = scanner.enters(CLOSE_BRACE); more; more = scanner.goesOn(CLOSE_BRACE)) {
      const name = this.#readName();
      if (name.length > this.#longestName) this.#longestName = name.length;
      this.#path[level - 1] = name;
      scanner.colon();
      const start = scanner.at;
      const value = this.#readValue();
      if (members[name] !== undefined) {
        this.#problems.add('duplicate_member', this.#path, `The name ${quote(name)} is given more than once.`);
        continue;
      }
      members[name] = value;
      if (name === spanOf) {
        this.#spanStart = start;
        this.#spanEnd = scanner.at;
      }
    }
    this.#path.pop();
    return members;
  }

  #readArray(): JsonArray {
    const items: JsonArray = [];
    if (this.#isTooDeep()) return items;
    const level = this.#path.push(0);
    for (let more = this.#scanner.enters(CLOSE_BRACKET); more; more = this.#scanner.goesOn(CLOSE_BRACKET)) {
      this.#path[level - 1] = items.length;
      items.push(this.#readValue());
    }
    this.#path.pop();
    return items;
  }

  /** True when no further level is allowed; then the object or array is a problem, and has been passed over. */
  #isTooDeep(): boolean {
    if (this.#path.length < MAX_LEVELS) return false;
    const detail = `Objects and arrays may be nested in ${MAX_LEVELS} levels (the event is the first); this one is deeper.`;
    this.#problems.add('nested_too_deep', this.#path, detail);
    this.#scanner.value();
    return true;
  }

  #readName(): string {
    const start = this.#scanner.at;
    const content = this.#scanner.name();
    if (content !== 'escaped') return this.#unescaped(start, content);
    const name = this.#escaped(start);
    this.#checkCharacters(name, this.#path.slice(0, -1), `The member name ${quote(name)}`);
    return name;
  }

  #readString(): string {
    const start = this.#scanner.at;
    const content = this.#scanner.string();
    if (content !== 'escaped') return this.#unescaped(start, content);
    const value = this.#escaped(start);
    this.#checkCharacters(value, this.#path, 'The string');
    return value;
  }

  /** The string without escapes that the scanner has just passed. */
  #unescaped(start: number, content: StringContent): string {
    const { text, at } = this.#scanner;
    return content === 'plain' ? text.slice(start + 1, at - 1) : this.#bytes.toString('utf8', start + 1, at - 1);
  }

  /** The string with escapes that the scanner has just passed; its grammar has been checked. */
  #escaped(start: number): string {
    return JSON.parse(this.#bytes.toString('utf8', start, this.#scanner.at));
  }

  /** Only escapes can write what is forbidden: the bytes themselves are UTF-8, and control characters break the grammar. */
  #checkCharacters(value: string, place: Path, what: string): void {
    if (value.includes('\0')) {
      this.#problems.add('null_character', place, `${what} contains U+0000 (\\u0000), which cannot be stored.`);
    }
    if (!value.isWellFormed()) {
      const detail = `${what} contains half of a surrogate pair, which is not a character.`;
      this.#problems.add('lone_surrogate', place, detail);
    }
  }

  #readNumber(): number {
    const scanner = this.#scanner;
    const start = scanner.at;
    const isInteger = scanner.number();
    const text = scanner.text.slice(start, scanner.at);
    const value = Number(text);
    const fault = isInteger && text.length < 16 ? undefined : numberFault(text, value);
    if (fault === undefined) return value;
    this.#problems.add(fault.code, this.#path, fault.detail);
    return 0;
  }
}
