import type { Problem } from '../event.ts';
import { EventSpans } from '../plain/scan-event.ts';
import { CLOSE_BRACKET, isSpace, OPEN_BRACKET } from './json-bytes.ts';
import { syntaxProblem, textProblem } from './json-problems.ts';
import { JsonScanner, JsonSyntaxError } from './json-scanner.ts';

/** How much of an item is read in one call, in values: well below a millisecond. An item that is too large to be an event has more. */
const STEPS = 10_000;

/**
 * Takes a JSON array apart into the texts of its items, one a call, so that whoever reads a long one can do other things between.
 * The text is read once, and checked against the grammar on the way.
 */
export class JsonArrayItems {
  readonly #bytes: Buffer;
  #scanner: JsonScanner | undefined;
  #hasBegun = false;
  /** Where the item begins that is being read; -1 between items. */
  #start = -1;
  readonly #spans = new EventSpans();
  #isPlain = false;
  #problem: Problem | undefined;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#problem = textProblem(bytes);
    if (!this.#problem) this.#scanner = new JsonScanner(bytes);
  }

  /**
   * The text of the next item without the white space around it: a view of the bytes. Null where it is so long that there is more to
   * do: call again. Undefined after the last one, and where the bytes are not one JSON array: then `problem` says why, and what
   * came before is no part of any array either.
   */
  next(): Buffer | null | undefined {
    const scanner = this.#scanner;
    if (!scanner) return undefined;
    try {
      if (this.#start >= 0 || this.#goesOn(scanner)) {
        const start = this.#start < 0 ? scanner.at : this.#start;
        this.#isPlain = this.#start < 0 && this.#spans.scan(this.#bytes, start);
        if (this.#isPlain) {
          scanner.at = this.#spans.end;
          return this.#bytes.subarray(start, scanner.at);
        }
        const isWhole = scanner.value(STEPS);
        this.#start = isWhole ? -1 : start;
        return isWhole ? this.#bytes.subarray(start, scanner.at) : null;
      }
      scanner.end();
    } catch (error) {
      if (!(error instanceof JsonSyntaxError)) throw error;
      this.#problem = syntaxProblem(this.#bytes, error);
    }
    this.#scanner = undefined;
    return undefined;
  }

  /** Where the members of the item stand that next() gave last, if it is a plain event: nobody needs to read it again. Until next(). */
  get spans(): EventSpans | undefined {
    return this.#isPlain ? this.#spans : undefined;
  }

  /** Its place is told in the whole text. */
  get problem(): Problem | undefined {
    return this.#problem;
  }

  #goesOn(scanner: JsonScanner): boolean {
    if (this.#hasBegun) return scanner.goesOn(CLOSE_BRACKET);
    this.#hasBegun = true;
    scanner.skipSpace();
    if (scanner.peek() === OPEN_BRACKET) return scanner.enters(CLOSE_BRACKET);
    // Another JSON text is not wrong as a text.
    scanner.value();
    this.#problem = { pointer: '', code: 'not_an_array', detail: 'The body is a batch, which is a JSON array.' };
    return false;
  }
}

/** Whether the text, if it is JSON, is an array. */
export function startsJsonArray(bytes: Buffer): boolean {
  let at = 0;
  while (isSpace(bytes[at])) at++;
  return bytes[at] === OPEN_BRACKET;
}
