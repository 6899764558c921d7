import { createLogger, type Logger, loadSettings, logFailure, type MainProcess, readDotEnv } from '@kero/runtime';
import { type AllSettings, allGroups } from './all-settings.ts';

interface Output {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

export interface CommandProcess extends MainProcess {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stdout: Output;
  readonly stderr: Output;
}

export interface CommandContext {
  readonly settings: AllSettings;
  readonly logger: Logger;
  readonly process: CommandProcess;
}

/** What a command prints at its end; with `failed` the exit code is 1. */
export type CommandResult = string | { readonly text: string; readonly failed: boolean };

/** How a group of commands (dead-letters, offsets) has one of its own run. */
export type RunCommand = (command: (context: CommandContext) => Promise<CommandResult>) => Promise<void>;

/** What a person asked for cannot be done, and that is nobody's fault: the message is all that is printed. Exit code 1. */
export class CommandRefused extends Error {}

/**
 * Runs a command that prints its result and ends; resolves to the exit code. Log lines go to standard error, so that the
 * result can be piped.
 */
export async function runCommand(
  process: CommandProcess,
  command: (context: CommandContext) => Promise<CommandResult>,
): Promise<number> {
  const logger = commandLogger();
  try {
    const dotEnv = readDotEnv('.env');
    const input = dotEnv === undefined ? { environment: process.env } : { environment: process.env, dotEnv };
    const { values } = loadSettings(allGroups, input, { complete: true });
    const result = await command({ settings: values, logger, process });
    const { text, failed } = typeof result === 'string' ? { text: result, failed: false } : result;
    process.stdout.write(`${text}\n`);
    return failed ? 1 : 0;
  } catch (error) {
    if (error instanceof CommandRefused) process.stderr.write(`${error.message}\n`);
    else logFailure(logger, error);
    return 1;
  }
}

export function commandLogger(): Logger {
  return createLogger({ level: 'warn', format: 'pretty', name: 'kero', destination: 2 });
}

/** Ctrl-C in a terminal reaches a program directly and once more through npm or a launcher. */
const SECOND_SIGNAL_DEAF_MS = 1000;

/**
 * For commands that have something to finish: the signal aborts at the first SIGINT or SIGTERM; a second one, a second or
 * more later, ends the process at once. Until it is disposed.
 */
export function stopSignal(process: MainProcess): { readonly signal: AbortSignal } & Disposable {
  const stop = new AbortController();
  let stoppingSince = 0;
  const onSignal = () => {
    if (stop.signal.aborted && performance.now() - stoppingSince > SECOND_SIGNAL_DEAF_MS) process.exit(1);
    if (stop.signal.aborted) return;
    stoppingSince = performance.now();
    stop.abort();
  };
  const events = ['SIGINT', 'SIGTERM', 'disconnect'] as const;
  for (const event of events) process.on(event, onSignal);
  return {
    signal: stop.signal,
    [Symbol.dispose]: () => {
      for (const event of events) process.off(event, onSignal);
    },
  };
}
