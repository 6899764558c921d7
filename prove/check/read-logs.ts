import { existsSync } from 'node:fs';
import { linesOf } from './lines.ts';

/** Lines that only a bug writes. */
const ALARMS =
  /unexpected error|bug in Kero|[Uu]nhandled|uncaught|MaxListenersExceeded|heap out of memory|Assertion|^\s*(Type|Reference|Range)Error:/;
const MOST = 20;

/** The lines of a process's log that no healthy process writes. */
export async function readAlarms(path: string): Promise<string[]> {
  if (!existsSync(path)) return [];
  const found: string[] = [];
  for await (const line of linesOf(path)) {
    if (ALARMS.test(line) && found.push(line) >= MOST) break;
  }
  return found;
}
