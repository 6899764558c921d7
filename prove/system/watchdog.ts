import { type ChildProcess, spawn } from 'node:child_process';

/** Runs shell commands when the prover is gone, however it went: the shell sees its standard input close. */
export function spawnWatchdog(commands: string): ChildProcess {
  const watchdog = spawn('sh', ['-c', `cat >/dev/null; ${commands}`], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  watchdog.unref();
  return watchdog;
}
