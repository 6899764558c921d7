/**
 * Breaks Kero on purpose, one way after the other, and shows that the prover notices each. By hand, because it takes about
 * half an hour: `npm run prove:mutants`.
 */
import { spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { type Mutant, mutants } from './mutants.ts';
import { mutatedCheckout } from './mutated-checkout.ts';
import { describeOutcome, isAsExpected, type Outcome, readOutcome } from './outcome.ts';

const SEEDS = ['1', '2', '3'];
const ROOT = join(import.meta.dirname, '../..');
const WRONG_USAGE = 2;
const INTERRUPTED = 130;
const USAGE = `usage: npm run prove:mutants -- [options] [NAMES]

  --only NAMES   the same as NAMES: only these mutants, with commas
  --seed S       only this seed (default: up to three, until the mutant is caught)
  --list         print the mutants and run nothing
`;

process.exitCode = await main();

async function main(): Promise<number> {
  const options = readArguments();
  if (!options) return WRONG_USAGE;
  const { chosen, seeds, list } = options;
  if (list) {
    for (const mutant of chosen) {
      const expected = mutant.outOfReach ?? `to be caught by ${mutant.caughtBy.join(' or ')}`;
      process.stdout.write(`${mutant.name}\n  ${mutant.mistake}\n  ${runArguments(mutant).join(' ')}\n  ${expected}\n`);
    }
    return 0;
  }
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort());
  const table: string[] = [];
  let missed = 0;
  for (const mutant of chosen) {
    const { outcome, how } = await hunt(mutant, seeds, stop.signal);
    if (stop.signal.aborted) return INTERRUPTED;
    const asExpected = isAsExpected(mutant, outcome);
    if (!asExpected) missed++;
    const line = `${asExpected ? 'ok    ' : 'MISSED'}  ${mutant.name.padEnd(32)} ${describeOutcome(mutant, outcome)} (${how})\n`;
    process.stdout.write(line);
    table.push(line);
  }
  process.stdout.write(`\n${table.join('')}${chosen.length - missed} of ${chosen.length} as expected\n`);
  return missed === 0 ? 0 : 1;
}

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { only: { type: 'string' }, seed: { type: 'string' }, list: { type: 'boolean', default: false } },
    });
    const names = [...positionals, ...(values.only?.split(',') ?? [])];
    const unknown = names.filter((name) => !mutants.some((mutant) => mutant.name === name));
    if (unknown.length > 0) throw new Error(`no mutant is called ${unknown.join(', ')}`);
    return {
      chosen: mutants.filter(({ name }) => names.length === 0 || names.includes(name)),
      seeds: values.seed === undefined ? SEEDS : [values.seed],
      list: values.list,
    };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return undefined;
  }
}

/** Tries some seeds: chance has to bring the fault to the moment where the mistake matters. */
async function hunt(
  mutant: Mutant,
  seeds: readonly string[],
  stop: AbortSignal,
): Promise<{ outcome: Outcome; how: string }> {
  const startedAt = performance.now();
  const kero = mutatedCheckout(ROOT, mutant.edits);
  const tried: string[] = [];
  try {
    let outcome: Outcome = { kind: 'survived' };
    // One that has to survive is only run once: a second run shows nothing more.
    for (const seed of mutant.outOfReach === undefined ? seeds : seeds.slice(0, 1)) {
      tried.push(seed);
      const output = await prove(mutant, kero, seed, stop);
      outcome = readOutcome(mutant, output);
      if (outcome.kind !== 'caught' && outcome.kind !== 'survived') {
        writeFileSync(join(tmpdir(), `kero-mutant-${mutant.name}-seed-${seed}.log`), output);
      }
      if (outcome.kind === 'caught' || outcome.kind === 'failed') break;
    }
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    return { outcome, how: `seed ${tried.join(', ')}; ${seconds} s` };
  } finally {
    rmSync(kero, { recursive: true, force: true });
  }
}

function runArguments({ on, faults, minutes, rate }: Mutant): string[] {
  const load = rate === undefined ? [] : ['--rate', String(rate)];
  return ['--on', on, '--minutes', String(minutes), '--faults', faults, ...load];
}

/** Resolves to all that the prover wrote. */
async function prove(mutant: Mutant, kero: string, seed: string, stop: AbortSignal): Promise<string> {
  const args = [join(ROOT, 'prove/main.ts'), '--seed', seed, ...runArguments(mutant), '--kero', kero];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      output += text;
    });
  }
  // In a group of its own: what Ctrl-C sends to the group would be its second signal, and make it leave at once.
  const interrupt = () => child.kill('SIGTERM');
  stop.addEventListener('abort', interrupt);
  await new Promise((resolve) => child.once('close', resolve));
  stop.removeEventListener('abort', interrupt);
  const [, folder] = /^work folder (.*)$/m.exec(output) ?? [];
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  return output;
}
