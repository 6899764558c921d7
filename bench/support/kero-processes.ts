import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { type KeroProcess, LAUNCHER, watchProcess } from '../../test/support/kero-process.ts';
import { KERO_FLAGS } from './kero-flags.ts';

/** A folder that is gone at the end. */
export function temporaryFolder(resources: AsyncDisposableStack, name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `kero-bench-${name}-`));
  resources.defer(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** `kero ARGS` in a process of its own, with these settings and nothing else of our environment. Stopped at the end. */
export function startKero(
  resources: AsyncDisposableStack,
  args: readonly string[],
  settings: Readonly<Record<string, string>>,
): KeroProcess {
  const { PATH, HOME, TMPDIR, NODE_OPTIONS } = process.env;
  const child = spawn(process.execPath, [...KERO_FLAGS, LAUNCHER, ...args], {
    cwd: temporaryFolder(resources, 'cwd'),
    env: { PATH, HOME, TMPDIR, NODE_OPTIONS, LOG_LEVEL: 'info', ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const kero = watchProcess(child);
  stopAtEnd(resources, kero);
  return kero;
}

/** Asks the process to end when this is over, and ends it by force if it does not. */
export function stopAtEnd(resources: AsyncDisposableStack, { child, stop }: KeroProcess): void {
  resources.defer(async () => {
    const killer = setTimeout(() => child.kill('SIGKILL'), 40_000);
    await stop();
    clearTimeout(killer);
  });
}

/** Resident memory of a process, in MB (of 10^6 bytes); undefined when it is gone. Linux only. */
export function residentMB(pid: number | undefined): number | undefined {
  try {
    const [, kilobytes] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return kilobytes === undefined ? undefined : (Number(kilobytes) * 1024) / 1e6;
  } catch {
    return undefined;
  }
}

/** Nobody listens there at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
