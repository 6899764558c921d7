import { runtimeError } from './runtime-errors.ts';

/**
 * Throws KeroError `stopped` when the stop was requested. For the steps of a start: what is open is closed by its owner on
 * the way out, and runService takes the error for the ordinary end that it is.
 */
export function throwIfStopped(stop: AbortSignal | undefined): void {
  if (stop?.aborted) throw stopRequested();
}

/**
 * Settles as the promise does, or rejects with `stopped` as soon as the stop is requested. The promise itself goes on: it
 * must close by itself what it opens; its late rejection is swallowed here.
 */
export async function unlessStopped<T>(promise: Promise<T>, stop: AbortSignal | undefined): Promise<T> {
  promise.catch(() => {});
  throwIfStopped(stop);
  if (!stop) return promise;
  let onAbort = () => {};
  const stopped = new Promise<never>((_, reject) => {
    onAbort = () => reject(stopRequested());
  });
  stop.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, stopped]);
  } finally {
    stop.removeEventListener('abort', onAbort);
  }
}

function stopRequested() {
  return runtimeError('stopped', 'a stop was requested before the start was over');
}
