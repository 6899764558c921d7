import { spawnSync } from 'node:child_process';
import { readFileSync, readlinkSync, realpathSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { kill } from 'node:process';

/** Where postmaster.pid has the state of the server, from 0. */
const STATUS_LINE = 7;

/** Process id of the server that runs in the data folder; undefined when none does. */
export function serverPid(data: string): number | undefined {
  const pid = readPid(data);
  return pid !== undefined && isServerOf(data, pid) ? pid : undefined;
}

/** Whether the server with this process id has said that it takes connections. */
export function isServerReady(data: string, pid: number): boolean {
  try {
    const lines = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n');
    return lines[0] === String(pid) && lines[STATUS_LINE]?.trim() === 'ready';
  } catch {
    return false;
  }
}

/**
 * A server that was killed leaves its process id behind. When the system has given that id to another program meanwhile
 * (in a container the ids are always the same few), PostgreSQL would take that for a running server and refuse to start.
 * The id is replaced by one that nobody has, rather than the file removed, because the rest of the file lets PostgreSQL
 * find out whether processes of the old server still use the data.
 */
export function disarmStalePidFile(data: string): void {
  const pid = readPid(data);
  if (pid === undefined || !isAlive(pid) || isServerOf(data, pid)) return;
  const file = join(data, 'postmaster.pid');
  let unused = 4_000_000;
  while (isAlive(unused)) unused--;
  const [, ...rest] = readFileSync(file, 'utf8').split('\n');
  writeFileSync(file, [unused, ...rest].join('\n'));
}

function readPid(data: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(join(data, 'postmaster.pid'), 'utf8'), 10);
    return pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** A number that may have been given to another program is only believed when that program works in the data folder. */
function isServerOf(data: string, pid: number): boolean {
  if (!isAlive(pid)) return false;
  if (os.platform() === 'win32') return true;
  if (os.platform() !== 'linux') {
    const found = spawnSync('ps', ['-p', String(pid), '-o', 'command='], { encoding: 'utf8' });
    return /postgres/.test(found.stdout);
  }
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(data);
  } catch {
    // Not ours to look at, or a process that has ended and waits to be reaped.
    return false;
  }
}

function isAlive(pid: number): boolean {
  try {
    return kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
