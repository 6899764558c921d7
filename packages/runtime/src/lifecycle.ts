import { describeError, isKeroError } from './errors.ts';
import type { Logger } from './logger.ts';

/** The few things of `process` that the lifecycle needs, so that tests can hand in their own. */
export interface ProcessLike {
  on(event: 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'disconnect', listener: () => void): unknown;
  on(event: 'uncaughtException' | 'unhandledRejection', listener: (error: unknown) => void): unknown;
  off(event: string, listener: (error: unknown) => void): unknown;
  exit(code: number): void;
}

export interface ServiceContext {
  /** Aborts at the first SIGINT, SIGTERM or SIGHUP: stop taking work, finish what is in flight. */
  readonly stop: AbortSignal;
  /** Register the close of everything at the line that opens it; closed in reverse order. */
  readonly resources: AsyncDisposableStack;
  /** Stops the service as a signal would: its work is done. */
  readonly end: () => void;
  /** For what would outlive a process that is ended by force: called then, and must be quick. */
  readonly onForce: (action: () => void) => void;
  /** Stops the service as a signal would, and makes it end with an error. */
  readonly fail: (error: unknown) => void;
}

export interface ServiceOptions {
  readonly process: ProcessLike;
  readonly logger: Logger;
  /** From the first signal to the end of the process, in milliseconds; then it is ended by force. */
  readonly shutdownTimeoutMs: number;
}

/**
 * A second signal within this time after the first is taken for the same one: Ctrl-C in a terminal reaches a program
 * directly and once more through npm or a launcher.
 */
const SECOND_SIGNAL_DEAF_MS = 1000;

/**
 * Runs a service until it is told to stop, and returns the exit code. A service that is still starting then may leave with
 * `stopped` (throwIfStopped).
 *
 * running --signal--> stopping --main returned, resources closed--> stopped (0)
 *                        |--second signal, or SHUTDOWN_TIMEOUT passed--> ended by force (1)
 */
export async function runService(
  { process, logger, shutdownTimeoutMs }: ServiceOptions,
  main: (context: ServiceContext) => Promise<void>,
): Promise<number> {
  const controller = new AbortController();
  let failure: unknown;
  let stoppingSince = 0;
  let forceTimer: NodeJS.Timeout | undefined;

  const forceActions: (() => void)[] = [];

  const force = (why: string) => {
    if (failure !== undefined) logFailure(logger, failure);
    logger.fatal(`${why}: ending by force; what was accepted is in the log and will be stored at the next start`);
    for (const action of forceActions) action();
    process.exit(1);
  };
  const beginStop = (why: string) => {
    if (stoppingSince > 0) return;
    stoppingSince = performance.now();
    logger.info(`stopping (${why}): finishing what is in flight`);
    forceTimer = setTimeout(() => force(`not stopped within ${shutdownTimeoutMs} ms`), shutdownTimeoutMs);
    forceTimer.unref();
    controller.abort();
  };
  const onSignal = (name: string) => () => {
    if (stoppingSince > 0 && performance.now() - stoppingSince > SECOND_SIGNAL_DEAF_MS) force(`second ${name}`);
    else beginStop(name);
  };
  const onForce = (action: () => void) => void forceActions.push(action);
  const fail = (error: unknown) => {
    failure ??= error;
    beginStop('error');
  };
  const onCrash = (error: unknown) => {
    logger.fatal({ err: error }, 'unexpected error: this is a bug in Kero; ending at once');
    process.exit(1);
  };
  const listeners = {
    SIGINT: onSignal('SIGINT'),
    SIGTERM: onSignal('SIGTERM'),
    SIGHUP: onSignal('SIGHUP'),
    // Who started us (bin/kero.js, or of a worker its parent) is gone, so nobody could stop us any more.
    disconnect: onSignal('parent process gone'),
  };
  for (const [event, listener] of Object.entries(listeners)) process.on(event as 'SIGINT', listener);
  process.on('uncaughtException', onCrash);
  process.on('unhandledRejection', onCrash);

  const resources = new AsyncDisposableStack();
  try {
    await main({ stop: controller.signal, resources, end: () => beginStop('done'), onForce, fail });
  } catch (error) {
    const stoppedAsTold = controller.signal.aborted && isKeroError(error, 'stopped');
    // From here on the time is running: what does not let go must not keep a process that has failed.
    if (!stoppedAsTold) fail(error);
  }
  try {
    await resources.disposeAsync();
  } catch (error) {
    failure ??= error;
  }
  clearTimeout(forceTimer);
  for (const [event, listener] of Object.entries(listeners)) process.off(event, listener);
  process.off('uncaughtException', onCrash);
  process.off('unhandledRejection', onCrash);
  if (failure === undefined) {
    logger.info('stopped');
    return 0;
  }
  logFailure(logger, failure);
  return 1;
}

/** One line for an error that ends a process: what is wrong and what to do, with a stack only where it is our fault. */
export function logFailure(logger: Logger, error: unknown): void {
  if (isKeroError(error)) logger.fatal({ code: error.code }, `${describeError(error)}\n${error.remedy}`);
  else logger.fatal({ err: error }, `unexpected error: ${describeError(error)}`);
}

/** Resolves when the signal aborts. */
export async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
