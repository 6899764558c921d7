import type { Figure } from './statistics.ts';

/** What one round of a candidate has measured, by name with the unit: `requests/s`, `p99 ms`. */
export type Figures = Readonly<Record<string, number>>;

export interface CandidateResult {
  readonly candidate: string;
  readonly figures: Readonly<Record<string, Figure>>;
  /** What went wrong, of every round that failed. */
  readonly failures: readonly string[];
}

export interface TableResult {
  readonly title: string;
  readonly candidates: readonly CandidateResult[];
}

export interface Goal {
  readonly bound: 'at least' | 'at most';
  readonly value: number;
  /** The one to reach after that. */
  readonly next?: number;
}

/** A figure that a goal is set for: mostly how much of a baseline a candidate reaches. */
export interface GoalResult {
  readonly what: string;
  /** Undefined: it could not be measured, the table says why. */
  readonly value: Figure | undefined;
  /** Behind the value: `MB`, `ms`; nothing for ratios. */
  readonly unit?: string;
  readonly goal?: Goal;
}

export interface Outcome {
  readonly tables: readonly TableResult[];
  readonly goals: readonly GoalResult[];
  /** What a reader must know to read the figures rightly. */
  readonly notes: readonly string[];
  /** Pictures beside the page, by file name. */
  readonly pictures?: Readonly<Record<string, string>>;
}

export interface BenchContext {
  /** How many times each candidate is measured. */
  readonly rounds: number;
  /** Short rounds that only show that it runs: their figures say nothing. */
  readonly quick: boolean;
  /** Rows of a large table. */
  readonly rows: number;
  /** Length of what is measured over a long time. */
  readonly minutes: number;
  /** Says what is going on. */
  readonly print: (line: string) => void;
  /** What is opened is registered here at that line; closed in reverse order at the end, whatever happened. */
  readonly resources: AsyncDisposableStack;
}

/** One question and how it is answered: the candidates, measured in turn in one run. */
export interface Bench {
  readonly name: string;
  /** As in the table of goals, `P1`; undefined where there is no goal. */
  readonly number?: string;
  readonly question: string;
  run(context: BenchContext): Promise<Outcome>;
}

/** A length of time: the first one, or where it is only tried whether all runs, the second. */
export function secondsOf(context: BenchContext, normal: number, quick: number): number {
  return context.quick ? quick : normal;
}
