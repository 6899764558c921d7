import { describeError } from '@kero/runtime';
import type { BenchContext, Figures, GoalResult, TableResult } from './bench.ts';
import { type Figure, figureOf } from './statistics.ts';

/** Something that is measured, several times. */
export interface Candidate {
  readonly name: string;
  /** One round, warmed up. Rejects when it failed; the others are measured all the same. */
  measure(): Promise<Figures>;
}

type Round = { readonly figures: Figures } | { readonly failure: string };

/** What all rounds of some candidates have measured. */
export class Measured {
  readonly #rounds = new Map<string, Round[]>();

  constructor(candidates: readonly Candidate[]) {
    for (const { name } of candidates) this.#rounds.set(name, []);
  }

  add(candidate: string, round: Round): void {
    this.#rounds.get(candidate)?.push(round);
  }

  /** `isWanted`: which of the figures are in it. */
  table(title: string, isWanted: (figure: string) => boolean = () => true): TableResult {
    const candidates = [...this.#rounds].map(([candidate, rounds]) => {
      const done = rounds.flatMap((round) => ('figures' in round ? [round.figures] : []));
      const names = [...new Set(done.flatMap(Object.keys))].filter(isWanted);
      const figures = names.map((name): [string, Figure] => [
        name,
        figureOf(done.map((one) => one[name]).filter((value) => value !== undefined)),
      ]);
      const failures = rounds.flatMap((round) => ('failure' in round ? [round.failure] : []));
      return { candidate, figures: Object.fromEntries(figures), failures };
    });
    return { title, candidates };
  }

  /**
   * How much of a figure of `of` the candidate reaches: the ratio of each round, in which both had the same machine. `as`: the name
   * of that figure where it is another one than the candidate's.
   */
  ratio(candidate: string, of: string, figure: string, as = figure): Figure | undefined {
    const baseline = this.#rounds.get(of) ?? [];
    const ratios = (this.#rounds.get(candidate) ?? []).flatMap((round, index) => {
      const other = baseline[index];
      if (!('figures' in round) || other === undefined || !('figures' in other)) return [];
      const value = (round.figures[figure] ?? Number.NaN) / (other.figures[as] ?? Number.NaN);
      return Number.isFinite(value) ? [value] : [];
    });
    return ratios.length === 0 ? undefined : figureOf(ratios);
  }

  /** One figure of one candidate over all rounds, as a thing that a goal is set for. */
  figure(candidate: string, figure: string): Figure | undefined {
    const rounds = this.#rounds.get(candidate) ?? [];
    const values = rounds.flatMap((round) => ('figures' in round ? [round.figures[figure]] : []));
    const known = values.filter((value) => value !== undefined);
    return known.length === 0 ? undefined : figureOf(known);
  }

  /** The figures of one round; undefined where it failed. */
  roundsOf(candidate: string): readonly (Figures | undefined)[] {
    return (this.#rounds.get(candidate) ?? []).map((round) => ('figures' in round ? round.figures : undefined));
  }
}

/**
 * Measures the candidates in turn: A B C, B C A, C A B, ... so that what changes slowly on the machine hits all of them alike.
 */
export async function measureInTurn(
  candidates: readonly Candidate[],
  { rounds, print }: Pick<BenchContext, 'rounds' | 'print'>,
): Promise<Measured> {
  const measured = new Measured(candidates);
  for (let round = 0; round < rounds; round++) {
    for (let place = 0; place < candidates.length; place++) {
      const candidate = candidates[(round + place) % candidates.length];
      if (!candidate) continue;
      try {
        const figures = await candidate.measure();
        measured.add(candidate.name, { figures });
        print(`round ${round + 1}/${rounds}  ${candidate.name}: ${describeFigures(figures)}`);
      } catch (error) {
        const failure = describeError(error);
        measured.add(candidate.name, { failure });
        print(`round ${round + 1}/${rounds}  ${candidate.name} FAILED: ${failure}`);
      }
    }
  }
  return measured;
}

/** A ratio that a goal is set for. */
export function ratioGoal(what: string, value: Figure | undefined, goal: GoalResult['goal']): GoalResult {
  return goal === undefined ? { what, value } : { what, value, goal };
}

function describeFigures(figures: Figures): string {
  return Object.entries(figures)
    .map(([name, value]) => `${formatNumber(value)} ${name}`)
    .join(', ');
}

/** Three digits that count, and thousands apart. */
export function formatNumber(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : Math.abs(value) >= 1 ? 2 : 3;
  return value.toLocaleString('en-US', { maximumFractionDigits: digits });
}
