import cluster, { type Worker } from 'node:cluster';
import { describeError, isKeroError } from '../errors.ts';
import type { Health } from '../health.ts';
import type { ServiceContext } from '../lifecycle.ts';
import type { Metrics } from '../metrics.ts';
import type { FromWorker, ToWorker } from './worker-messages.ts';

/** How often a worker shows that it is alive. */
export const REPORT_EVERY_MS = 1000;

/** The number of this process among the workers that its parent has started; undefined where it is no worker. */
export function workerNumber(): number | undefined {
  return cluster.worker?.id;
}

export interface WorkerLinkOptions {
  readonly context: Pick<ServiceContext, 'end'>;
  readonly health: Health;
  readonly metrics: Metrics;
  /** This process; tests bring their own. */
  readonly self?: Pick<Worker, 'id' | 'send' | 'on' | 'once' | 'isConnected' | 'process' | 'exitedAfterDisconnect'>;
}

/**
 * The line from a worker to its parent: reports health and counts, answers scrapes, and ends the service when it is told to.
 * Open it first, so that it is closed last: its last report has all that was counted.
 */
export class WorkerLink implements AsyncDisposable {
  readonly #options: WorkerLinkOptions;
  readonly #self: NonNullable<WorkerLinkOptions['self']>;
  readonly #timer: NodeJS.Timeout;

  constructor(options: WorkerLinkOptions) {
    this.#options = options;
    const self = options.self ?? cluster.worker;
    if (!self) throw new Error('this process is no worker');
    this.#self = self;
    // Node would end a worker at once when its parent is gone. Ours finishes what is in flight: the frame of the service hears of it.
    self.once('disconnect', () => {
      self.exitedAfterDisconnect = true;
    });
    self.on('message', (message: ToWorker) => {
      if (message.kind === 'stop') options.context.end();
      else void this.#answer();
    });
    this.#timer = setInterval(() => void this.#report(), REPORT_EVERY_MS);
    this.#timer.unref();
    void this.#report();
  }

  /** It takes work now. */
  async serving(where: string): Promise<void> {
    await this.#report();
    await this.#send({ kind: 'serving', where });
  }

  /** It cannot start; resolves when the parent has been told. */
  async failed(error: unknown): Promise<void> {
    const message = describeError(error);
    const known = isKeroError(error) ? error : { code: 'worker_failed', remedy: '', retryable: false };
    const { code, remedy, retryable } = known;
    await this.#send({ kind: 'failed', error: { code, message, remedy, retryable } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#report();
    // From here on the line keeps nobody from ending. Before, it has to: a server listens with the help of the parent.
    this.#self.process.channel?.unref();
  }

  async #report(): Promise<void> {
    const totals = await this.#options.metrics.totals();
    await this.#send({ kind: 'report', ready: this.#options.health.report(), totals });
  }

  async #answer(): Promise<void> {
    await this.#send({ kind: 'metrics', metrics: await this.#options.metrics.snapshot() });
  }

  /** Resolves when it is on its way. A parent that is gone hears nothing, and that is no error. */
  async #send(message: FromWorker): Promise<void> {
    if (!this.#self.isConnected()) return;
    await new Promise<void>((resolve) => this.#self.send(message, undefined, undefined, () => resolve()));
  }
}
