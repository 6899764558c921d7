import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome } from './bench.ts';
import type { Machine } from './machine.ts';

/** What one run of a bench has found out, as it is kept in `bench/results/NAME.json`. */
export interface BenchResult extends Omit<Outcome, 'pictures'> {
  readonly name: string;
  /** The day, as 2026-11-23. */
  readonly date: string;
  readonly rounds: number;
  readonly machine: Machine;
  /** Load average when it began and when it ended: well above the number of cores, others were at work too. */
  readonly load: readonly [atStart: number, atEnd: number];
}

const RESULTS = join(import.meta.dirname, '../results');

export function saveResult(result: BenchResult): void {
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(resultFile(result.name), `${JSON.stringify(result, undefined, 2)}\n`);
}

/** Undefined when it was never run. */
export function readResult(name: string): BenchResult | undefined {
  const file = resultFile(name);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as BenchResult) : undefined;
}

function resultFile(name: string): string {
  return join(RESULTS, `${name}.json`);
}
