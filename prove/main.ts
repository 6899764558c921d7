import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { listFaults, parseOptions, USAGE, UsageError } from './options.ts';
import { prove } from './prove.ts';
import { renderReport } from './report.ts';

const BROKEN = 1;
const WRONG_USAGE = 2;
const INTERRUPTED = 130;

// Everything that was started is closed by now; a client library's forgotten timer is no reason to stay.
process.exit(await main());

async function main(): Promise<number> {
  const screen = process.stdout;
  try {
    const options = parseOptions(process.argv.slice(2), () => String(randomInt(1_000_000_000)));
    if (options === 'help') screen.write(USAGE);
    if (options === 'list') screen.write(listFaults());
    if (typeof options === 'string') return 0;

    screen.write(`seed ${options.seed}\n`);
    const folder = mkdtempSync(join(tmpdir(), 'kero-prove-'));
    screen.write(`work folder ${folder}\n`);
    const stop = new AbortController();
    const interrupt = () => {
      // A second one does not wait for anything: the watchdogs end what is left.
      if (stop.signal.aborted) process.exit(INTERRUPTED);
      screen.write('\ninterrupted: ending everything that was started\n');
      stop.abort();
    };
    process.on('SIGINT', interrupt);
    process.on('SIGTERM', interrupt);

    const kero = resolve(options.kero ?? join(import.meta.dirname, '..'));
    const proof = await prove({ ...options, kero, folder }, screen, stop.signal);
    if (!proof) {
      screen.write(`not finished; the work folder stays: ${folder}\n`);
      return INTERRUPTED;
    }
    screen.write(`\n${renderReport(proof.evidence, proof.verdicts)}\n`);
    const broken = proof.verdicts.filter(({ violations }) => violations.length > 0).map(({ invariant }) => invariant);
    const again = `npm run prove -- --seed ${options.seed} --minutes ${options.minutes} --on ${options.on}`;
    if (broken.length === 0) {
      screen.write(`PROVED: every invariant holds (${again})\n`);
      if (options.keep) screen.write(`work folder ${folder}\n`);
      else rmSync(folder, { recursive: true, force: true });
      return 0;
    }
    screen.write(`BROKEN: ${broken.join(', ')} (${again})\nledger and logs of every process: ${folder}\n`);
    return BROKEN;
  } catch (error) {
    if (error instanceof UsageError) {
      process.stderr.write(`${error.message}\n\n${USAGE}`);
      return WRONG_USAGE;
    }
    process.stderr.write(`the prover failed: ${error instanceof Error ? error.stack : String(error)}\n`);
    return BROKEN;
  }
}
