/** `npm run bench`: how fast Kero is, question by question, beside baselines that are measured in the same run. */
import { readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { allBenches } from './all-benches.ts';
import type { Bench, BenchContext, Outcome } from './framework/bench.ts';
import { describeMachine, durabilityProblem, loadAverage, machineLine } from './framework/machine.ts';
import { type BenchOptions, parseOptions, USAGE, UsageError } from './framework/options.ts';
import { goalLines, renderResults, renderTable, withResults } from './framework/render.ts';
import { type BenchResult, readResult, saveResult } from './framework/result-files.ts';

const DOCS = new URL('../docs/', import.meta.url);
const PAGE = new URL('performance.md', DOCS);

const print = (line: string) => void process.stdout.write(`${line}\n`);

try {
  const options = parseOptions(process.argv.slice(2));
  if (options === 'help') print(USAGE);
  else if (options.list) for (const bench of allBenches) print(describe(bench));
  else if (options.render) writePage();
  else await runBenches(options);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`${error.message}\n\n${USAGE}`);
  process.exitCode = 2;
}

async function runBenches(options: BenchOptions): Promise<void> {
  const chosen = choose(options.names);
  const problem = await durabilityProblem();
  if (problem !== undefined) print(`WARNING: ${problem}`);
  for (const bench of chosen) {
    const { pictures = {}, ...result } = await runBench(bench, options);
    if (options.write) {
      saveResult(result);
      for (const [name, svg] of Object.entries(pictures)) writeFileSync(new URL(name, DOCS), svg);
      writePage();
    }
    if (result.tables.some(({ candidates }) => candidates.some(({ failures }) => failures.length > 0))) {
      process.exitCode = 1;
    }
  }
}

async function runBench(
  bench: Bench,
  { quick, rounds = quick ? 1 : 5, ...options }: BenchOptions,
): Promise<BenchResult & Outcome> {
  const machine = await describeMachine();
  const loadBefore = loadAverage();
  print(`\n${describe(bench)}`);
  print(machineLine(machine));
  print(`load average ${loadBefore}${quick ? '; --quick: the figures say nothing' : ''}`);
  if (loadBefore > machine.cores / 4) print('WARNING: this machine is busy with something else');
  await using resources = new AsyncDisposableStack();
  const onSignal = () => void resources.disposeAsync().finally(() => process.exit(130));
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  const rows = options.rows ?? (quick ? 200_000 : 10_000_000);
  const minutes = options.minutes ?? (quick ? 0.5 : 20);
  const context: BenchContext = { rounds, quick, rows, minutes, print: (line) => print(`  ${line}`), resources };
  const outcome = await bench.run(context);
  process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  const loadAfter = loadAverage();
  const date = new Date().toISOString().slice(0, 10);
  print('');
  for (const table of outcome.tables) print(renderTable(table));
  for (const line of goalLines(outcome.goals)) print(line);
  for (const note of outcome.notes) print(`- ${note}`);
  print(`load average ${loadBefore} at the start, ${loadAfter} at the end`);
  return { name: bench.name, date, rounds, machine, load: [loadBefore, loadAfter], ...outcome };
}

function choose(names: readonly string[]): readonly Bench[] {
  if (names.length === 0 || names.includes('all')) return allBenches;
  return names.map((name) => {
    const bench = allBenches.find((one) => one.name === name || one.number?.toLowerCase() === name.toLowerCase());
    if (!bench)
      throw new UsageError(`there is no bench "${name}"; there are ${allBenches.map((one) => one.name).join(', ')}`);
    return bench;
  });
}

function describe({ name, number, question }: Bench): string {
  return `${name.padEnd(14)} ${(number ?? '').padEnd(3)} ${question}`;
}

function writePage(): void {
  writeFileSync(PAGE, withResults(readFileSync(PAGE, 'utf8'), renderResults(allBenches, readResult)));
}
