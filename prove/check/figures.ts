import type { CommitSeen, Evidence } from './evidence.ts';

/** Time after a fault that does not count as calm yet. */
const GRACE_MS = 5000;

/** Of the valid events that were sent for the first time while nothing was broken: how many there were, how many got a 2xx. */
export function calmAvailability({ ledger, faults }: Evidence): { readonly sent: number; readonly ok: number } {
  const spans = faults.map(({ from, until = Number.POSITIVE_INFINITY }) => ({ from, until: until + GRACE_MS }));
  let [sent, ok] = [0, 0];
  for (const { content, sent: attempts } of ledger) {
    const [first] = attempts;
    if (content.class !== 'new' || !first) continue;
    // A fault that begins before the answer came may have cost it.
    const [from, until] = [first.attempt.at, first.outcome?.at ?? Number.POSITIVE_INFINITY];
    if (spans.some((span) => from < span.until && until > span.from)) continue;
    sent++;
    if (first.outcome?.outcome === 'ok') ok++;
  }
  return { sent, ok };
}

/** Commits below the one before them: harmless (work is done again), and only a rebalance should cause them. */
export function rewinds(commits: readonly CommitSeen[]): number {
  let count = 0;
  for (const ofPartition of Map.groupBy(commits, ({ partition }) => partition).values()) {
    const inTime = [...ofPartition].sort((a, b) => a.at - b.at);
    count += inTime.filter(({ offset }, n) => offset < (inTime[n - 1]?.offset ?? 0)).length;
  }
  return count;
}
