import type { Problem } from '@kero/events';
import type { BodyItems } from './body-formats.ts';

const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;

/**
 * The lines of a body, without the white space around them. A line that is blank is none: it has no index and no answer. Whether a
 * line is JSON is found out by whoever reads it, so that a bad line is nobody else's problem.
 */
export class NdjsonLines implements BodyItems {
  readonly #body: Buffer;
  readonly #maxBlanks: number;
  /** Where the line begins, as far as is known: there is nothing but white space before it. */
  #start = 0;
  /** Behind the line, as far as is known; undefined while its begin is looked for. */
  #end: number | undefined;
  /** Where the next line begins. */
  #next = 0;
  #isBlank = true;
  #problem: Problem | undefined;

  /** `maxBlanks`: bytes of white space that are looked at in one go. */
  constructor(body: Buffer, maxBlanks = 64 * 1024) {
    this.#body = body;
    this.#maxBlanks = maxBlanks;
  }

  next(): Buffer | null | undefined {
    const body = this.#body;
    let blanksLeft = this.#maxBlanks;
    for (; this.#end === undefined && isSpace(body[this.#start]); this.#start++) {
      if (blanksLeft-- === 0) return null;
    }
    if (this.#end === undefined) {
      if (this.#start >= body.length) {
        if (this.#isBlank) this.#problem = BLANK;
        return undefined;
      }
      this.#isBlank = false;
      const feed = body.indexOf(LINE_FEED, this.#start);
      this.#next = feed < 0 ? body.length : feed;
      this.#end = this.#next;
    }
    for (; isSpace(body[this.#end - 1]); this.#end--) {
      if (blanksLeft-- === 0) return null;
    }
    const line = body.subarray(this.#start, this.#end);
    this.#start = this.#next;
    this.#end = undefined;
    return line;
  }

  /** A body without a line is as empty as one without a byte. */
  get problem(): Problem | undefined {
    return this.#problem;
  }
}

const BLANK: Problem = {
  pointer: '',
  code: 'empty_body',
  detail: 'There is no line but blank ones; send one event a line.',
};

function isSpace(byte: number | undefined): boolean {
  return byte === SPACE || byte === LINE_FEED || byte === CARRIAGE_RETURN || byte === TAB;
}
