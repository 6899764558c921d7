import type { CaseFile } from './case-file.ts';
import type { Verdict, Violation } from './verdict.ts';

/** I6: once everything is healed, everything is done within the limit: no unknown, no lag. */
export function drains({ evidence: { draining } }: CaseFile): Verdict {
  const violations: Violation[] = [];
  const { limitS, unknownsSettledS, drainedS, left, progress } = draining;
  if (unknownsSettledS === undefined) {
    violations.push({ what: `not every event was accepted within ${limitS} s of healing: ${left}` });
  }
  if (drainedS === undefined) violations.push({ what: `not drained within ${limitS} s of healing: ${left}` });
  for (const { partition, committed, end } of progress) {
    if (committed !== end) {
      violations.push({ partition, offset: committed, what: `committed is ${committed}, the log ends at ${end}` });
    }
  }
  const looked = `${progress.length} partitions, ${progress.reduce((sum, { end }) => sum + end, 0)} records; drained after ${seconds(drainedS)}`;
  return { invariant: 'I6', title: `drained within ${limitS} s of healing`, looked, violations };
}

function seconds(value: number | undefined): string {
  return value === undefined ? 'never' : `${value.toFixed(1)} s`;
}
