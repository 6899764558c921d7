import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { waitUntil } from './wait-until.ts';

export const LAUNCHER = fileURLToPath(new URL('../../apps/cli/bin/kero.js', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Standard output and standard error together. */
  readonly output: string;
}

export interface KeroProcess {
  readonly child: ChildProcess;
  /** Everything it printed so far. */
  output(): string;
  /** Waits until the output matches, and gives the match. Fails when the process ends before. */
  printed(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>;
  /** Sends a signal (if it still runs) and waits for its end. */
  stop(signal?: NodeJS.Signals): Promise<Ended>;
  readonly ended: Promise<Ended>;
}

/** A folder that is gone after the test. */
export function throwawayFolder(t: TestContext, name = 'test'): string {
  const folder = mkdtempSync(join(tmpdir(), `kero-${name}-`));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/**
 * Starts `kero ARGS` in a process of its own, in a folder without a `.env`, with nothing of our environment but what a
 * shell needs. It is stopped after the test, and if it hangs, killed.
 */
export function startKero(
  t: TestContext,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  options: { readonly cwd?: string; readonly node?: string } = {},
): KeroProcess {
  const child = spawn(options.node ?? process.execPath, [LAUNCHER, ...args], {
    cwd: options.cwd ?? throwawayFolder(t, 'cwd'),
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const kero = watchProcess(child);
  t.after(async () => {
    const killer = setTimeout(() => child.kill('SIGKILL'), 30_000);
    await kero.stop();
    clearTimeout(killer);
  });
  return kero;
}

/** Gathers what a child prints and how it ends. */
export function watchProcess(child: ChildProcess): KeroProcess {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8');
    stream?.on('data', (chunk: string) => {
      text += chunk;
    });
  }
  const ended = once(child, 'close').then(
    ([code, signal]): Ended => ({ code: code as number | null, signal: signal as NodeJS.Signals | null, output: text }),
  );
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  return {
    child,
    ended,
    output: () => text,
    printed: (pattern, timeoutMs = 60_000) =>
      waitUntil(
        () => {
          const match = pattern.exec(text);
          if (!match && isOver) throw new Error(`it ended without printing ${pattern}:\n${text}`);
          return match ?? undefined;
        },
        { timeoutMs, what: () => `the output to match ${pattern}, it is:\n${text}` },
      ),
    stop: async (signal = 'SIGTERM') => {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      return ended;
    },
  };
}

/** Runs `kero ARGS` to its end. */
export async function runKero(
  t: TestContext,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  options: { readonly cwd?: string; readonly node?: string } = {},
): Promise<Ended> {
  return startKero(t, args, environment, options).ended;
}
