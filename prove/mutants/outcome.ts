import type { Mutant } from './mutants.ts';

/** What the prover said about one run of a mutant. */
export type Outcome =
  | { readonly kind: 'caught'; readonly broken: readonly string[] }
  | { readonly kind: 'survived' }
  /** Something was broken, but nothing of what the mutant breaks: that proves nothing about the prover. */
  | { readonly kind: 'otherwise'; readonly broken: readonly string[] }
  /** The prover gave no verdict. */
  | { readonly kind: 'failed'; readonly why: string };

type Expectation = Pick<Mutant, 'caughtBy' | 'outOfReach'>;

const PROVED = /^PROVED: /m;
const FAILED = /^the prover failed: .*$/m;
const BROKEN = /^BROKEN: ([^(]+) \(/m;

/** `output` is all that the prover wrote. */
export function readOutcome({ caughtBy, outOfReach }: Expectation, output: string): Outcome {
  if (PROVED.test(output)) return { kind: 'survived' };
  const broken = BROKEN.exec(output)?.[1]?.split(', ');
  if (!broken) return { kind: 'failed', why: FAILED.exec(output)?.[0] ?? 'no verdict in its output' };
  const asExpected = outOfReach !== undefined || caughtBy.some((invariant) => broken.includes(invariant));
  return { kind: asExpected ? 'caught' : 'otherwise', broken };
}

/** A mutant that is out of reach has to survive, every other has to be caught. */
export function isAsExpected({ outOfReach }: Expectation, { kind }: Outcome): boolean {
  return kind === (outOfReach === undefined ? 'caught' : 'survived');
}

/** For the table. */
export function describeOutcome({ caughtBy, outOfReach }: Expectation, outcome: Outcome): string {
  switch (outcome.kind) {
    case 'caught':
      return `caught by ${outcome.broken.join(', ')}`;
    case 'survived':
      return outOfReach === undefined ? 'SURVIVED' : `survived, as it has to: ${outOfReach}`;
    case 'otherwise':
      return `NOT CAUGHT: ${outcome.broken.join(', ')} broken, but none of ${caughtBy.join(', ')}`;
    case 'failed':
      return `NOT RUN: ${outcome.why}`;
  }
}
