import type { FaultKind, PlannedFault } from './nemesis/fault.ts';
import type { Random } from './random.ts';

const FIRST_FAULT_AT_S = 6;
/** Between two faults of a lane: time in which the system is expected to get up again. */
const PAUSE_S = [1, 5] as const;
/** Faults that the end of the load cuts short are worth having, if there is some of them left. */
const SHORTEST_S = 3;
const LANES = 2;

/**
 * The faults of a run, from the random alone: the same seed gives the same schedule. Every kind comes once before any comes
 * twice, at most two at a time, and two at the same time touch different parts.
 */
export function makeSchedule(random: Random, kinds: readonly FaultKind[], seconds: number): PlannedFault[] {
  if (kinds.length === 0) return [];
  const planned: (PlannedFault & { kind: FaultKind })[] = [];
  const free = Array.from({ length: LANES }, (_, lane) => FIRST_FAULT_AT_S + lane * 2);
  let bag: FaultKind[] = [];
  for (;;) {
    const lane = free.indexOf(Math.min(...free));
    const from = free[lane] ?? 0;
    if (from > seconds - SHORTEST_S) return planned.map(({ kind: _, ...fault }) => fault);
    if (bag.length === 0) bag = random.shuffle(kinds.flatMap((kind) => Array<FaultKind>(kind.weight ?? 1).fill(kind)));
    const active = planned.filter((fault) => fault.until > from);
    const index = bag.findIndex((kind) => active.every((fault) => !overlap(fault.kind, kind)));
    if (index < 0) {
      // Nothing that is left goes together with what is active: this lane waits for its end.
      free[lane] = Math.min(...active.map((fault) => fault.until)) + 0.1;
      continue;
    }
    const [kind] = bag.splice(index, 1);
    if (!kind) throw new Error('an empty bag of faults');
    const [shortest, longest] = kind.seconds;
    const until = Math.min(seconds, from + shortest + random.next() * (longest - shortest));
    planned.push({ number: planned.length + 1, name: kind.name, from: round(from), until: round(until), kind });
    free[lane] = until + PAUSE_S[0] + random.next() * (PAUSE_S[1] - PAUSE_S[0]);
  }
}

function overlap(a: FaultKind, b: FaultKind): boolean {
  return a.touches.some((part) => b.touches.includes(part));
}

function round(seconds: number): number {
  return Math.round(seconds * 10) / 10;
}
