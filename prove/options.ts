import { parseArgs } from 'node:util';
import { allFaults, faultsOf } from './nemesis/all-faults.ts';
import type { FaultKind } from './nemesis/fault.ts';
import type { SystemKind } from './system/system.ts';

export interface ProveOptions {
  readonly seed: string;
  readonly minutes: number;
  readonly on: SystemKind;
  readonly faults: readonly FaultKind[];
  /** Events a second. */
  readonly rate: number;
  readonly clients: number;
  /** Limit of I6, in seconds. */
  readonly drainS: number;
  readonly memoryCapBytes: number;
  readonly keep: boolean;
  /** The checkout whose `kero` is tested; undefined is this one. */
  readonly kero: string | undefined;
}

export class UsageError extends Error {}

export const USAGE = `usage: npm run prove -- [options]

  --seed S         the same seed gives the same faults and payloads (default: a random one, which is printed)
  --minutes M      how long load and faults last (default 2)
  --on SYSTEM      embedded or kafka (default embedded)
  --faults LIST    names, or beginnings of names, with commas; - in front leaves one out; "none"; "list" prints them all
  --rate N         events a second (default 150)
  --clients N      HTTP clients (default 8)
  --drain S        seconds within which everything must be done after healing (default 60)
  --memory-cap M   most MiB that a process of Kero may use (default 700)
  --keep           keep the work folder, also after success
  --kero FOLDER    test the checkout in this folder
`;

/** Throws UsageError. */
export function parseOptions(args: readonly string[], randomSeed: () => string): ProveOptions | 'help' | 'list' {
  const values = readArgs(args);
  if (values.help) return 'help';
  if (values.faults === 'list') return 'list';
  const on = values.on ?? 'embedded';
  if (on !== 'embedded' && on !== 'kafka') throw new UsageError(`--on takes embedded or kafka, not "${on}"`);
  const clients = number('clients', values.clients ?? '8', 1, 24);
  if (!Number.isInteger(clients)) throw new UsageError('--clients takes a whole number');
  return {
    seed: values.seed ?? randomSeed(),
    minutes: number('minutes', values.minutes ?? '2', 0.2, 600),
    on,
    faults: chooseFaults(values.faults, on),
    rate: number('rate', values.rate ?? '150', 1, 5000),
    clients,
    drainS: number('drain', values.drain ?? '60', 5, 3600),
    memoryCapBytes: number('memory-cap', values['memory-cap'] ?? '700', 50, 100_000) * 1024 ** 2,
    keep: values.keep ?? false,
    kero: values.kero,
  };
}

function readArgs(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      strict: true,
      options: {
        seed: { type: 'string' },
        minutes: { type: 'string' },
        on: { type: 'string' },
        faults: { type: 'string' },
        rate: { type: 'string' },
        clients: { type: 'string' },
        drain: { type: 'string' },
        'memory-cap': { type: 'string' },
        keep: { type: 'boolean' },
        kero: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** `postgres,-postgres-lock`: every fault that begins with postgres but those that begin with postgres-lock. */
function chooseFaults(list: string | undefined, on: SystemKind): FaultKind[] {
  const known = faultsOf(on);
  if (list === undefined) return known;
  if (list === 'none') return [];
  const names = list.split(',').map((name) => name.trim());
  const without = names.filter((name) => name.startsWith('-')).map((name) => name.slice(1));
  const wanted = names.filter((name) => !name.startsWith('-'));
  for (const name of [...without, ...wanted]) {
    if (known.some((fault) => fault.name.startsWith(name))) continue;
    const elsewhere = allFaults.some((fault) => fault.name.startsWith(name));
    throw new UsageError(
      `--faults: ${elsewhere ? `${name} does not exist with --on ${on}` : `no fault is called ${name}`}`,
    );
  }
  return known.filter(
    ({ name }) =>
      (wanted.length === 0 || wanted.some((begin) => name.startsWith(begin))) &&
      !without.some((begin) => name.startsWith(begin)),
  );
}

function number(name: string, text: string, from: number, to: number): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= from && value <= to)) {
    throw new UsageError(`--${name} takes a number from ${from} to ${to}, not "${text}"`);
  }
  return value;
}

export function listFaults(): string {
  const width = Math.max(...allFaults.map(({ name }) => name.length));
  return allFaults
    .map(({ name, description, on }) => `${name.padEnd(width)}  ${on.join(', ').padEnd(15)}  ${description}\n`)
    .join('');
}
