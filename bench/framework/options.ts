import { parseArgs } from 'node:util';

export interface BenchOptions {
  /** Empty: all of them. */
  readonly names: readonly string[];
  readonly list: boolean;
  readonly quick: boolean;
  readonly write: boolean;
  readonly render: boolean;
  /** Undefined: as many as are usual. */
  readonly rounds: number | undefined;
  readonly rows: number | undefined;
  readonly minutes: number | undefined;
}

export class UsageError extends Error {}

export const USAGE = `usage: npm run bench -- [NAME...] [options]

  NAME         which benches, "all" for every one (--list tells them)
  --list       what there is
  --rounds N   how many times each candidate is measured (default 5, with --quick 1)
  --quick      short rounds that only show that it runs
  --rows N     rows of the large table of "large-table", and ten times the backlog of "catch-up" (default 10000000, with --quick
               200000)
  --minutes M  how long "soak" lasts (default 20, with --quick half of one)
  --write      keep the results in bench/results and put them into docs/performance.md
  --render     only write docs/performance.md again from the results that are kept
`;

/** Throws UsageError. */
export function parseOptions(args: readonly string[]): BenchOptions | 'help' {
  const { values, positionals } = readArgs(args);
  if (values.help) return 'help';
  const write = values.write ?? false;
  const quick = values.quick ?? false;
  if (write && quick) throw new UsageError('--quick measures nothing that is worth keeping: leave out --write');
  return {
    names: positionals,
    list: values.list ?? false,
    render: values.render ?? false,
    quick,
    write,
    rounds: number('rounds', values.rounds, 1, 1000),
    rows: number('rows', values.rows, 1000, 1_000_000_000),
    minutes: number('minutes', values.minutes, 0.1, 10_000),
  };
}

function readArgs(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        list: { type: 'boolean' },
        quick: { type: 'boolean' },
        write: { type: 'boolean' },
        render: { type: 'boolean' },
        rounds: { type: 'string' },
        rows: { type: 'string' },
        minutes: { type: 'string' },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function number(name: string, text: string | undefined, least: number, most: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === '' || !(value >= least && value <= most)) {
    throw new UsageError(`--${name} takes a number from ${least} to ${most}, not "${text}"`);
  }
  return value;
}
