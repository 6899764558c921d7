import type { Problem } from './event.ts';
import type { ProblemCode } from './problem-codes.ts';

/** The member names and array indexes that lead to a place, from the outside in. */
export type Path = readonly (string | number)[];

const MAX_PROBLEMS = 100;
const MAX_POINTER_LENGTH = 1_000;
const MAX_QUOTE_LENGTH = 60;

/**
 * Gathers what is wrong with one event. Its size is bounded however bad the event is: after 100 problems there is only one more,
 * which says so. The same code at the same place is one problem.
 */
export class ProblemList {
  readonly #problems: Problem[] = [];

  get length(): number {
    return this.#problems.length;
  }

  /** True when further problems would not be kept, so that nobody needs to look for them. */
  get isFull(): boolean {
    return this.#problems.length > MAX_PROBLEMS;
  }

  add(code: ProblemCode, path: Path, detail: string): void {
    if (this.isFull) return;
    const pointer = pointerTo(path);
    if (this.#problems.some((known) => known.code === code && known.pointer === pointer && known.detail === detail))
      return;
    this.#problems.push(
      this.#problems.length < MAX_PROBLEMS
        ? { pointer, code, detail }
        : { pointer: '', code: 'too_many_problems', detail: `There are more problems than these ${MAX_PROBLEMS}.` },
    );
  }

  toArray(): readonly Problem[] {
    return this.#problems;
  }
}

/**
 * The JSON Pointer to a place. A name that cannot be repeated in an answer, a log line or a text column (it contains U+0000 or
 * a lone surrogate, or makes the pointer very long) ends it early: then it points to the nearest place around.
 */
export function pointerTo(path: Path): string {
  let pointer = '';
  for (const token of path) {
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
