import type { Problem } from './event.ts';
import type { ProblemCode } from './problem-codes.ts';

/** The member names and array indexes that lead to a place, from the outside in. */
export type Path = readonly (string | number)[];

const MAX_PROBLEMS = 100;
/** Repeats included: looking for what is known already takes time, too. */
const MAX_ATTEMPTS = 1_000;
const MAX_POINTER_LENGTH = 1_000;
const MAX_QUOTE_LENGTH = 60;

/**
 * Gathers what is wrong with one event. Its size, and the time it takes, are bounded however bad the event is: after 100 problems
 * (or 1,000 attempts to add one) there is only one more, which says so. The same code at the same place is one problem.
 */
export class ProblemList {
  readonly #problems: Problem[] = [];
  #attempts = 0;
  #isFull = false;

  get length(): number {
    return this.#problems.length;
  }

  /** True when further problems would not be kept, so that nobody needs to look for them. */
  get isFull(): boolean {
    return this.#isFull;
  }

  add(code: ProblemCode, path: Path, detail: string): void {
    if (this.#isFull) return;
    if (++this.#attempts > MAX_ATTEMPTS) {
      this.#fill();
      return;
    }
    const pointer = pointerTo(path);
    if (this.#problems.some((known) => known.code === code && known.pointer === pointer && known.detail === detail))
      return;
    if (this.#problems.length < MAX_PROBLEMS) this.#problems.push({ pointer, code, detail });
    else this.#fill();
  }

  toArray(): readonly Problem[] {
    return this.#problems;
  }

  #fill(): void {
    this.#isFull = true;
    const detail = `There are more problems than these ${this.#problems.length}.`;
    this.#problems.push({ pointer: '', code: 'too_many_problems', detail });
  }
}

/**
 * The JSON Pointer to a place. A name that cannot be repeated in an answer, a log line or a text column (it contains U+0000 or
 * a lone surrogate, or makes the pointer very long) ends it early: then it points to the nearest place around.
 */
export function pointerTo(path: Path): string {
  let pointer = '';
  for (const token of path) {
    // Before anything looks at its characters: a name may be as long as the event, and have as many problems in it.
    if (typeof token === 'string' && token.length > MAX_POINTER_LENGTH) break;
    if (typeof token === 'string' && (token.includes('\0') || !token.isWellFormed())) break;
    const next = `${pointer}/${String(token).replaceAll('~', '~0').replaceAll('/', '~1')}`;
    if (next.length > MAX_POINTER_LENGTH) break;
    pointer = next;
  }
  return pointer;
}

/** The parts of a JSON Pointer, unescaped. */
export function tokensOf(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** Text of the sender within a detail: in double quotes, one line, escaped as JSON does, cut when it is long. */
export function quote(text: string): string {
  if (text.length <= MAX_QUOTE_LENGTH) return JSON.stringify(text);
  const end = /[\ud800-\udbff]/.test(text.charAt(MAX_QUOTE_LENGTH - 1)) ? MAX_QUOTE_LENGTH - 1 : MAX_QUOTE_LENGTH;
  return `${JSON.stringify(text.slice(0, end))}...`;
}
