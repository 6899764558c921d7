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
  #at = 0;
  #problem: Problem | undefined;

  constructor(body: Buffer) {
    this.#body = body;
  }

  next(): Buffer | undefined {
    const body = this.#body;
    let start = this.#at;
    while (isSpace(body[start])) start++;
    if (start >= body.length) {
      if (this.#at === 0) this.#problem = BLANK;
      return undefined;
    }
    const feed = body.indexOf(LINE_FEED, start);
    let end = feed < 0 ? body.length : feed;
    this.#at = end;
    while (isSpace(body[end - 1])) end--;
    return body.subarray(start, end);
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
