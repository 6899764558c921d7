import { describeError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { MetricSnapshot } from '../metrics.ts';
import { backoffMs } from '../retry.ts';
import type { WorkerEnd, WorkerHandle } from './fork-worker.ts';
import { sumTotals } from './sum-metrics.ts';
import { describeEnd, WorkerView } from './worker-view.ts';

const TICK_MS = 1000;
/** So many ticks without a word, and a worker is stuck ... */
const STUCK_TICKS = 10;
/** ... and so many, and it is killed. */
const KILL_TICKS = 30;
/** A worker that has served for so long was well: its end has nothing to do with the ends before. */
const STABLE_MS = 60_000;
/** So many short lives in a row, with no other worker that serves, and nothing is left to hope for. */
const MAX_SHORT_LIVES = 5;
const BACKOFF = { firstMs: 500, maxMs: 30_000 };

export interface WorkerPoolOptions {
  readonly count: number;
  readonly fork: () => WorkerHandle;
  readonly logger: Logger;
  /** A worker takes work, somewhere. */
  readonly onServing: (where: string) => void;
  /** A worker has told how it is. */
  readonly onReport: () => void;
  /** There is no hope: called once, with the error of the last worker. The caller stops the pool. */
  readonly onFailure: (error: unknown) => void;
}

/** The place of one worker after the other. */
interface Place {
  worker: WorkerView | undefined;
  shortLives: number;
  again: NodeJS.Timeout | undefined;
}

/**
 * Keeps a number of workers running.
 *
 * The first one is alone until it serves: what keeps it from starting (a port that is taken) would keep all, and ends the pool. Of
 * each place:
 *
 *   starting --serves--> serving --ends, whatever the reason--> waiting (backoff) --> starting
 *                                  says nothing for 30 s: killed
 *
 * A place where one short life follows another goes on with longer waits as long as another worker serves, and else ends the pool.
 */
export class WorkerPool implements AsyncDisposable {
  readonly #options: WorkerPoolOptions;
  readonly #places: Place[];
  readonly #timer: NodeJS.Timeout;
  readonly #gone = Promise.withResolvers<void>();
  #ended: MetricSnapshot[] = [];
  #restarts = 0;
  #hasServed = false;
  #isStopping = false;
  #stopError: unknown;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#places = Array.from({ length: options.count }, () => ({
      worker: undefined,
      shortLives: 0,
      again: undefined,
    }));
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#timer.unref();
  }

  /** Those that run. */
  get workers(): WorkerView[] {
    return this.#places.flatMap(({ worker }) => worker ?? []);
  }

  get restarts(): number {
    return this.#restarts;
  }

  /** Those that have been silent for so long that their event loop must stand still. */
  get stuck(): WorkerView[] {
    return this.workers.filter(({ silentTicks }) => silentTicks >= STUCK_TICKS);
  }

  /** Starts the first worker; the others follow when it serves. */
  start(): void {
    const [first] = this.#places;
    if (first) this.#launch(first);
  }

  /** Asks the workers for their metrics. The last of the answer is what ended ones have counted. */
  async collect(): Promise<(readonly MetricSnapshot[])[]> {
    await Promise.all(this.workers.map((worker) => worker.collect()));
    // One that has ended meanwhile is among the ended, and must not count twice.
    return [...this.workers.map(({ metrics }) => metrics), this.#ended];
  }

  /** Every worker finishes what is in flight; resolves when all are gone, rejects when one had to be ended by force. Idempotent. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#timer);
    for (const { again } of this.#places) clearTimeout(again);
    for (const worker of this.workers) worker.stop();
    if (this.workers.length > 0) await this.#gone.promise;
    if (this.#stopError !== undefined) throw this.#stopError;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** At once, whatever they do. */
  kill(): void {
    for (const worker of this.workers) worker.kill();
  }

  #launch(place: Place): void {
    place.again = undefined;
    const worker: WorkerView = new WorkerView(this.#options.fork(), {
      serving: (where) => this.#serves(where),
      reported: this.#options.onReport,
      ended: (end) => this.#onEnd(place, worker, end),
    });
    place.worker = worker;
  }

  #serves(where: string): void {
    this.#options.onServing(where);
    if (this.#hasServed || this.#isStopping) return;
    this.#hasServed = true;
    for (const place of this.#places) if (!place.worker) this.#launch(place);
  }

  #onEnd(place: Place, worker: WorkerView, end: WorkerEnd): void {
    place.worker = undefined;
    // Sums must not fall because somebody is gone.
    this.#ended = sumTotals([this.#ended, worker.metrics]);
    if (this.#isStopping) this.#onStopped(worker, end);
    else this.#onLost(place, worker, end);
  }

  #onLost(place: Place, worker: WorkerView, end: WorkerEnd): void {
    const { servingSince } = worker;
    const isStable = servingSince !== undefined && performance.now() - servingSince > STABLE_MS;
    place.shortLives = isStable ? 0 : place.shortLives + 1;
    const error = worker.errorOf(end);
    const othersServe = this.workers.some((other) => other.servingSince !== undefined);
    if (!this.#hasServed || (place.shortLives >= MAX_SHORT_LIVES && !othersServe)) {
      this.#options.onFailure(error);
      return;
    }
    const waitMs = Math.round(backoffMs(place.shortLives, BACKOFF));
    this.#restarts++;
    const reason = describeEnd(end) + (error.code === 'worker_failed' ? '' : `: ${describeError(error)}`);
    this.#options.logger.error({ reason }, `worker ${worker.id} ended (${reason}): starting another in ${waitMs} ms`);
    place.again = setTimeout(() => this.#launch(place), waitMs);
  }

  #onStopped(worker: WorkerView, end: WorkerEnd): void {
    if (end.code !== 0 && worker.hasSpoken) this.#stopError ??= worker.errorOf(end);
    if (this.workers.length === 0) this.#gone.resolve();
  }

  /** Silence is counted in ticks of our own, so that a machine that was asleep does not count. */
  #tick(): void {
    for (const worker of this.workers) {
      worker.tick();
      if (worker.silentTicks !== KILL_TICKS) continue;
      this.#options.logger.error(`worker ${worker.id} has said nothing for ${KILL_TICKS} s: killing it`);
      worker.kill();
    }
  }
}
