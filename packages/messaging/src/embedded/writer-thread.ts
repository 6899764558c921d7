import { Worker } from 'node:worker_threads';
import { backoffMs } from '@kero/runtime';
import { messagingError } from '../messaging-errors.ts';
import type { FromWriter, ToWriter, WriterThreadData } from './log-writer-protocol.ts';

const CLOSE_BUDGET_MS = 3000;

export type StartWriterThread = (data: WriterThreadData) => Worker;

export const startWriterThread: StartWriterThread = (data) =>
  new Worker(new URL('./log-writer-thread.ts', import.meta.url), { workerData: data, name: 'log-writer' });

export interface WriterThreadOptions {
  readonly data: WriterThreadData;
  readonly startThread: StartWriterThread;
  readonly onMessage: (message: FromWriter) => void;
  /** The thread is gone, and with it everything it was told and has not answered. A new one is started. */
  readonly onDied: (reason: string) => void;
}

/**
 * Keeps the writer's thread alive, whatever it dies of.
 *
 * opening --opened--> ready --close()--> closed
 *    ^                  |                   ^
 *    |--after a while-- died --close()------|      (a first thread that dies before it has opened: closed)
 */
export class WriterThread {
  readonly #options: WriterThreadOptions;
  readonly #firstOpened = Promise.withResolvers<void>();
  #state: 'opening' | 'ready' | 'died' | 'closed' = 'opening';
  #everOpened = false;
  #worker: Worker | undefined;
  #deaths = 0;
  #restartTimer: NodeJS.Timeout | undefined;

  constructor(options: WriterThreadOptions) {
    this.#options = options;
  }

  /** Starts the first thread. Rejects with KeroError `log_unusable` when it cannot open the file. */
  async open(): Promise<void> {
    this.#start();
    await this.#firstOpened.promise;
  }

  /** Whether the thread takes messages. */
  get ready(): boolean {
    return this.#state === 'ready';
  }

  tell(message: ToWriter, transfer: ArrayBuffer[] = []): void {
    this.#worker?.postMessage(message, transfer);
  }

  /** Lets the thread finish what it was told and close the file, but waits for a disk that stands still only so long. */
  async close(): Promise<void> {
    const wasReady = this.ready;
    this.#state = 'closed';
    clearTimeout(this.#restartTimer);
    const worker = this.#worker;
    if (!worker) return;
    if (wasReady) {
      const gone = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
      this.tell({ type: 'close' });
      await Promise.race([gone, elapsed(CLOSE_BUDGET_MS)]);
    }
    await Promise.race([worker.terminate(), elapsed(CLOSE_BUDGET_MS)]);
    worker.unref();
  }

  #start(): void {
    this.#state = 'opening';
    const worker = this.#options.startThread(this.#options.data);
    let reason = 'it ended without an error';
    worker.on('message', (message: FromWriter) => {
      if (message.type === 'opened') this.#onOpened();
      if (message.type === 'written') this.#deaths = 0;
      this.#options.onMessage(message);
    });
    worker.on('error', (error) => {
      reason = String(error);
    });
    worker.on('exit', () => this.#onGone(`the writer of the embedded log ended: ${reason}`));
    this.#worker = worker;
  }

  #onOpened(): void {
    if (this.#state === 'opening') this.#state = 'ready';
    this.#everOpened = true;
    this.#firstOpened.resolve();
  }

  #onGone(reason: string): void {
    this.#worker = undefined;
    if (this.#state === 'closed') return;
    if (!this.#everOpened) {
      this.#state = 'closed';
      this.#firstOpened.reject(messagingError('log_unusable', reason));
      return;
    }
    this.#state = 'died';
    this.#restartTimer = setTimeout(() => this.#start(), backoffMs(this.#deaths++, { firstMs: 50, maxMs: 5000 }));
    this.#options.onDied(reason);
  }
}

async function elapsed(ms: number): Promise<void> {
  await new Promise<void>((resolve) => setTimeout(resolve, ms).unref());
}
