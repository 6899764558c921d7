import { type ErrorItem, type HttpProblemCode, httpProblems, itemProblemBody, type Refusal } from './http-problems.ts';
import { IdTexts } from './id-texts.ts';

/** Errors that one answer lists in all; of each further item it tells the first. Else 10 MiB of nonsense get 200 MiB back. */
const MAX_ERRORS = 1000;

/** What became of the items of one batch, and what its sender is told of them. */
export class BatchOutcome {
  readonly #ids = new IdTexts();
  #items = 0;
  /** By index: the problem of an item that is refused, as JSON. */
  readonly #problems = new Map<number, string>();
  readonly #refused = new Map<HttpProblemCode, number>();
  readonly #errorCodes = new Set<string>();
  #errors = 0;
  #retryAfterSeconds = 0;
  #last: { readonly refusal: Refusal; readonly json: string } | undefined;

  /** The item is accepted, if nothing refuses it later. The result is the text of its id, for its record. */
  accept(index: number, id: Buffer): Buffer {
    this.#items = index + 1;
    return this.#ids.write(index, id);
  }

  /** Also of an item that was accepted before. Once for each item; items come in their order the first time. */
  refuse(index: number, refusal: Refusal): void {
    this.#items = Math.max(this.#items, index + 1);
    const { code } = refusal;
    this.#refused.set(code, (this.#refused.get(code) ?? 0) + 1);
    const definition: { retryable: boolean; retryAfterSeconds?: number } = httpProblems[code];
    if (definition.retryable) {
      const seconds = refusal.retryAfterSeconds ?? definition.retryAfterSeconds ?? 1;
      this.#retryAfterSeconds = Math.max(this.#retryAfterSeconds, seconds);
    }
    // What the log did not take has one reason for many items.
    if (this.#last?.refusal !== refusal) {
      const problem = itemProblemBody({ ...refusal, errors: this.#limited(refusal.errors) } as Refusal);
      const json = JSON.stringify(problem);
      // Nonsense comes in runs of the same: the text is kept once for all of them.
      this.#last = { refusal, json: this.#last?.json === json ? this.#last.json : json };
    }
    this.#problems.set(index, this.#last.json);
  }

  get accepted(): number {
    return this.#items - this.#problems.size;
  }

  get rejected(): number {
    return this.#problems.size;
  }

  /** How many items were refused with each code. */
  get refused(): ReadonlyMap<HttpProblemCode, number> {
    return this.#refused;
  }

  /** The codes of the errors in their problems. */
  get errorCodes(): ReadonlySet<string> {
    return this.#errorCodes;
  }

  /** When it makes sense to send those again that may be accepted then; 0 when none may. */
  get retryAfterSeconds(): number {
    return this.#retryAfterSeconds;
  }

  /** The ids in the order of the items as the bytes of a JSON array without its brackets; only when all are accepted. */
  idPieces(): Buffer[] {
    return this.#ids.pieces(this.#items);
  }

  /** The results in the order of the items, as JSON. */
  resultsJson(): string {
    const results = Array.from({ length: this.#items }, (_, index) => {
      const problem = this.#problems.get(index);
      return problem === undefined
        ? `{"index":${index},"status":"accepted","id":${this.#ids.quoted(index)}}`
        : `{"index":${index},"status":"rejected","problem":${problem}}`;
    });
    return `[${results.join(',')}]`;
  }

  #limited(errors: readonly ErrorItem[] | undefined): readonly ErrorItem[] | undefined {
    if (errors === undefined) return undefined;
    for (const { code } of errors) this.#errorCodes.add(code);
    this.#errors += errors.length;
    return this.#errors <= MAX_ERRORS ? errors : errors.slice(0, 1);
  }
}
