import cluster from 'node:cluster';
import type { FromWorker, ToWorker } from './worker-messages.ts';

/** How a process ended. */
export interface WorkerEnd {
  readonly code: number | null;
  readonly signal: string | null;
}

/** A worker process, as its parent holds it. */
export interface WorkerHandle {
  readonly id: number;
  send(message: ToWorker): void;
  /** At once, whatever it does. */
  kill(): void;
  onMessage(listener: (message: FromWorker) => void): void;
  /** Called once, after its last message. */
  onEnd(listener: (end: WorkerEnd) => void): void;
}

/**
 * Starts this command once more, as a worker. All of them listen on one socket, which the system gives the next connection from
 * to whoever takes it first: nobody stands between, a worker that is busy takes fewer, and what waits in the queue when a worker
 * ends is taken by another one.
 */
export function forkWorker(): WorkerHandle {
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  // Of the two ways to write a message, this one can carry NaN.
  cluster.setupPrimary({ serialization: 'advanced' });
  const worker = cluster.fork();
  return {
    id: worker.id,
    send: (message) => {
      if (worker.isConnected()) worker.send(message, undefined, undefined, () => {});
    },
    kill: () => void worker.process.kill('SIGKILL'),
    onMessage: (listener) => void worker.on('message', listener),
    onEnd: (listener) => {
      const gone = Promise.withResolvers<WorkerEnd>();
      const silent = Promise.withResolvers<void>();
      worker.once('exit', (code, signal) => gone.resolve({ code, signal }));
      worker.once('disconnect', () => silent.resolve());
      worker.on('error', (error: NodeJS.ErrnoException) => {
        if (worker.process.pid !== undefined) return;
        gone.resolve({ code: null, signal: error.code ?? error.message });
        silent.resolve();
      });
      void Promise.all([gone.promise, silent.promise]).then(([end]) => listener(end));
    },
  };
}
