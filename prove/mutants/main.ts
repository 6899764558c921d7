/**
 * Breaks Kero on purpose, one way after the other, and shows that the prover notices each. By hand, because it takes about
 * half an hour: `npm run prove:mutants`, or with names of mutants for only those.
 */
import { spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { type Mutant, mutants } from './mutants.ts';
import { mutatedCheckout } from './mutated-checkout.ts';

const SEEDS = ['1', '2', '3'];
const ROOT = join(import.meta.dirname, '../..');

const names = process.argv.slice(2);
const unknown = names.filter((name) => !mutants.some((mutant) => mutant.name === name));
if (unknown.length > 0) {
  process.stderr.write(
    `no mutant is called ${unknown.join(', ')}; there are ${mutants.map(({ name }) => name).join(', ')}\n`,
  );
  process.exit(2);
}

let missed = 0;
for (const mutant of mutants.filter(({ name }) => names.length === 0 || names.includes(name))) {
  const result = await hunt(mutant);
  if (!result.caught) missed++;
  process.stdout.write(`${result.caught ? 'caught' : 'MISSED'}  ${mutant.name.padEnd(32)} ${result.how}\n`);
}
process.exitCode = missed === 0 ? 0 : 1;

/** Tries some seeds: chance has to bring the fault to the moment where the mistake matters. */
async function hunt(mutant: Mutant): Promise<{ caught: boolean; how: string }> {
  const startedAt = performance.now();
  const kero = mutatedCheckout(ROOT, mutant.edits);
  try {
    for (const seed of SEEDS) {
      const { code, output } = await prove(mutant, kero, seed);
      const [, broken] = /^BROKEN: ([^(]*) \(/m.exec(output) ?? [];
      const seconds = Math.round((performance.now() - startedAt) / 1000);
      if (code === 1 && broken !== undefined) return { caught: true, how: `by ${broken}, seed ${seed}, ${seconds} s` };
      if (code !== 0) {
        const file = join(tmpdir(), `kero-mutant-${mutant.name}.log`);
        writeFileSync(file, output);
        return { caught: false, how: `the run itself failed: ${file}` };
      }
    }
    return { caught: false, how: `every invariant held with seeds ${SEEDS.join(', ')}` };
  } finally {
    rmSync(kero, { recursive: true, force: true });
  }
}

async function prove(mutant: Mutant, kero: string, seed: string): Promise<{ code: number | null; output: string }> {
  const args = [
    ...['--seed', seed, '--on', mutant.on, '--minutes', String(mutant.minutes)],
    ...['--faults', mutant.faults, '--kero', kero],
  ];
  const child = spawn(process.execPath, [join(ROOT, 'prove/main.ts'), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      output += text;
    });
  }
  const stop = () => child.kill('SIGINT');
  process.once('SIGINT', stop);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  process.off('SIGINT', stop);
  const [, folder] = /^work folder (.*)$/m.exec(output) ?? [];
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  return { code, output };
}
