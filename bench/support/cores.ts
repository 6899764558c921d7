import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Which core a process runs on: what is measured has one for itself, and the load is made on the other. */
export type Core = 'measured' | 'load';

/** The command in front of a program that keeps it on that core; nothing where that cannot be done. */
export function pinTo(core: Core | undefined): readonly string[] {
  const place = core === undefined ? undefined : core === 'measured' ? pinning()[0] : pinning()[1];
  return place === undefined ? [] : ['taskset', '-c', place];
}

/** Why processes are not kept on cores of their own here; undefined where they are. */
export function pinningProblem(): string | undefined {
  return pinning().length === 0
    ? 'without taskset or a second core, server and load were not kept apart: the ratios are not what they are on a core of its own'
    : undefined;
}

let known: readonly [string, string] | readonly [] | undefined;

function pinning(): readonly [string, string] | readonly [] {
  known ??= findCores();
  return known;
}

function findCores(): readonly [string, string] | readonly [] {
  try {
    execFileSync('taskset', ['--version'], { stdio: 'ignore' });
    const [, list = ''] = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
    const cores = list.split(',').flatMap((range) => {
      const [first = 0, last = first] = range.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, n) => String(first + n));
    });
    const [one, other] = cores;
    return one !== undefined && other !== undefined ? [one, other] : [];
  } catch {
    return [];
  }
}
