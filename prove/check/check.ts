import { aliveAndBounded } from './alive.ts';
import { openCases } from './case-file.ts';
import { onlyBadDataIsDead } from './dead-letters.ts';
import { drains } from './draining.ts';
import type { Evidence } from './evidence.ts';
import { honestCommits } from './honest-commits.ts';
import { keepsOrder } from './order.ts';
import { refusedStaysOut } from './refused-events.ts';
import { noDouble, noLoss, nothingInvented } from './stored-events.ts';
import type { Verdict } from './verdict.ts';

/** Every promise, held against the evidence. */
export function check(evidence: Evidence): Verdict[] {
  const file = openCases(evidence);
  return [
    noLoss(file),
    noDouble(file),
    nothingInvented(file),
    refusedStaysOut(file),
    keepsOrder(file),
    drains(file),
    honestCommits(file),
    aliveAndBounded(file),
    onlyBadDataIsDead(file),
  ];
}
