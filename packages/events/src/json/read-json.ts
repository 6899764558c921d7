import type { Problem } from '../event.ts';
import { ProblemList } from '../problem-list.ts';
import { syntaxProblem, textProblem } from './json-problems.ts';
import { JsonReader } from './json-reader.ts';
import { JsonSyntaxError } from './json-scanner.ts';
import type { JsonValue } from './json-value.ts';

export interface JsonReading {
  readonly ok: true;
  readonly value: JsonValue;
  /** What is wrong with the text although it keeps the grammar; more may be added to it. */
  readonly problems: ProblemList;
  /** How much it takes to name a problem of every value (see JsonReader), so that work on them can be bounded. */
  readonly weight: number;
  /** The bytes of the member of the outermost object that was asked for: a view of the input. */
  readonly span: Buffer | undefined;
}

/** The bytes are not one JSON text in UTF-8; reading stopped at the first reason. */
export interface JsonSyntaxProblem {
  readonly ok: false;
  readonly problem: Problem;
}

/** Reads bytes as one JSON text. `spanOf` names a member of the outermost object whose bytes are wanted. Never throws. */
export function readJson(bytes: Buffer, spanOf?: string): JsonReading | JsonSyntaxProblem {
  const problem = textProblem(bytes);
  if (problem) return { ok: false, problem };
  const problems = new ProblemList();
  const reader = new JsonReader(bytes, problems, spanOf);
  try {
    const value = reader.read();
    return { ok: true, value, problems, weight: reader.weight, span: reader.span };
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    return { ok: false, problem: syntaxProblem(bytes, error) };
  }
}
