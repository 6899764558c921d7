import type { CaseFile } from './case-file.ts';
import type { ProcessSeen } from './evidence.ts';
import type { Verdict, Violation } from './verdict.ts';

const LOOP_EXITS = 4;
const LOOP_WINDOW_MS = 60_000;

/** I8: after healing a new event gets through soon; no process grew, crashed, hung at SIGTERM, or lives from restarts. */
export function aliveAndBounded({ evidence: { draining, processes, memoryCapBytes } }: CaseFile): Verdict {
  const violations: Violation[] = [];
  const { readyS, probeStoredS, probeLimitS, limitS } = draining;
  if (readyS === undefined) violations.push({ what: `not every process was ready within ${limitS} s of healing` });
  if (probeStoredS === undefined) {
    violations.push({ what: `an event sent after healing was no row within ${probeLimitS} s` });
  }
  for (const process of processes) {
    const { name, peakBytes, slowStops, alarms } = process;
    if (peakBytes > memoryCapBytes) {
      violations.push({ what: `${name} used ${megabytes(peakBytes)}, more than ${megabytes(memoryCapBytes)}` });
    }
    for (const at of slowStops) violations.push({ what: `${name} was not gone in time after SIGTERM at ${iso(at)}` });
    for (const alarm of alarms) violations.push({ what: `${name} logged: ${alarm.slice(0, 1500)}` });
    const loopAt = restartLoop(process);
    if (loopAt !== undefined) {
      violations.push({ what: `${name} ended by itself ${LOOP_EXITS} times in a minute, at ${iso(loopAt)}` });
    }
  }
  const peak = Math.max(0, ...processes.map(({ peakBytes }) => peakBytes));
  const looked = `${processes.length} processes, at most ${megabytes(peak)}; probe stored after ${probeStoredS?.toFixed(1) ?? '?'} s`;
  return { invariant: 'I8', title: 'alive and bounded', looked, violations };
}

function restartLoop({ exits }: ProcessSeen): number | undefined {
  const own = exits.filter(({ wanted }) => !wanted);
  return own.find((exit, n) => {
    const last = own[n + LOOP_EXITS - 1];
    return last !== undefined && last.at - exit.at < LOOP_WINDOW_MS;
  })?.at;
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1024 ** 2)} MiB`;
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
