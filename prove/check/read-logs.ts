import { existsSync } from 'node:fs';
import { linesOf } from './lines.ts';

/** Lines that only a bug writes. */
const ALARMS =
  /unexpected error|bug in Kero|[Uu]nhandled|uncaught|MaxListenersExceeded|heap out of memory|Assertion|^\s*(Type|Reference|Range)Error:/;
const MOST = 20;

export interface LogFindings {
  /** Lines that no healthy process writes. */
  readonly alarms: readonly string[];
  /** Messages with which it ended by itself. */
  readonly lastWords: readonly string[];
}

export async function readLog(path: string): Promise<LogFindings> {
  const alarms: string[] = [];
  const lastWords: string[] = [];
  if (!existsSync(path)) return { alarms, lastWords };
  for await (const line of linesOf(path)) {
    if (alarms.length < MOST && ALARMS.test(line)) alarms.push(line);
    if (lastWords.length < MOST && line.includes('"level":"fatal"')) lastWords.push(messageOf(line));
  }
  return { alarms, lastWords };
}

function messageOf(line: string): string {
  try {
    return String((JSON.parse(line) as { msg?: unknown }).msg);
  } catch {
    return line;
  }
}
