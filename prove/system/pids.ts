import { existsSync, readFileSync } from 'node:fs';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';

/** The process id in the first line of a file; undefined when there is none. */
export function readPid(file: string): number | undefined {
  if (!existsSync(file)) return undefined;
  const pid = Number.parseInt(readFileSync(file, 'utf8'), 10);
  return pid > 0 ? pid : undefined;
}

export function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone meanwhile.
  }
}

/** A process that has ended and waits to be reaped (an orphan in a container without an init) counts as gone. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    // Gone at this moment, or a system without /proc, where the signal has to do.
    return !existsSync('/proc/self');
  }
}

/** Stops a PostgreSQL server that somebody left behind. */
export async function stopPostmaster(pidFile: string): Promise<void> {
  const pid = readPid(pidFile);
  if (pid === undefined || !isAlive(pid)) return;
  signalTo(pid, 'SIGQUIT');
  for (let n = 0; isAlive(pid) && n < 100; n++) await delay(50);
}
