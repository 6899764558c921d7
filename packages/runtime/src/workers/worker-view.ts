import { KeroError } from '../errors.ts';
import type { HealthReport } from '../health.ts';
import type { MetricSnapshot } from '../metrics.ts';
import { runtimeError } from '../runtime-errors.ts';
import type { WorkerEnd, WorkerHandle } from './fork-worker.ts';
import type { FromWorker } from './worker-messages.ts';

/** How long a scrape waits for a worker; then it shows what was last known. */
const COLLECT_PATIENCE_MS = 2000;

const NOT_HEARD_OF: HealthReport = { up: false, parts: {} };

export interface WorkerEvents {
  serving(where: string): void;
  reported(): void;
  ended(end: WorkerEnd): void;
}

/** One worker, as its parent sees it: what it said last, and for how long it has said nothing. */
export class WorkerView {
  readonly id: number;
  readonly #handle: WorkerHandle;
  readonly #known = new Map<string, MetricSnapshot>();
  readonly #collecting = new Set<() => void>();
  #report = NOT_HEARD_OF;
  #silentTicks = 0;
  #hasSpoken = false;
  #isTold = false;
  #servingSince: number | undefined;
  #error: KeroError | undefined;

  constructor(handle: WorkerHandle, events: WorkerEvents) {
    this.id = handle.id;
    this.#handle = handle;
    handle.onMessage((message) => this.#hear(message, events));
    handle.onEnd((end) => {
      this.#answered();
      events.ended(end);
    });
  }

  /** Its health of its last report; not up before there was one. */
  get report(): HealthReport {
    return this.#report;
  }

  /** How many ticks have passed since it was heard of. */
  get silentTicks(): number {
    return this.#silentTicks;
  }

  /** Before its first word it cannot hear either. */
  get hasSpoken(): boolean {
    return this.#hasSpoken;
  }

  /** Since when it takes work (monotonic, in milliseconds); undefined where it has never come so far. */
  get servingSince(): number | undefined {
    return this.#servingSince;
  }

  /** All that is known of its metrics, of different moments where it has not answered. */
  get metrics(): MetricSnapshot[] {
    return [...this.#known.values()];
  }

  /** Why it ended: in its own words, where it had any. */
  errorOf(end: WorkerEnd): KeroError {
    return this.#error ?? runtimeError('worker_failed', `worker ${this.id} ended (${describeEnd(end)})`);
  }

  tick(): void {
    this.#silentTicks++;
  }

  /** Finishes what is in flight and ends; one that cannot hear yet is told as soon as it can. */
  stop(): void {
    this.#isTold = true;
    if (this.#hasSpoken) this.#handle.send({ kind: 'stop' });
  }

  kill(): void {
    this.#handle.kill();
  }

  /** Asks for its metrics; resolves when they are there, or will not come in time. */
  async collect(): Promise<void> {
    if (!this.#hasSpoken) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, COLLECT_PATIENCE_MS);
    this.#collecting.add(resolve);
    this.#handle.send({ kind: 'collect' });
    await promise;
    clearTimeout(timer);
    this.#collecting.delete(resolve);
  }

  #hear(message: FromWorker, events: WorkerEvents): void {
    this.#silentTicks = 0;
    this.#listens();
    switch (message.kind) {
      case 'report':
        this.#report = message.ready;
        this.#learn(message.totals);
        events.reported();
        break;
      case 'metrics':
        this.#learn(message.metrics);
        this.#answered();
        break;
      case 'serving':
        this.#servingSince = performance.now();
        events.serving(message.where);
        break;
      case 'failed': {
        const { code, message: text, ...definition } = message.error;
        this.#error = new KeroError(code, { ...definition, meaning: '' }, text);
      }
    }
  }

  #listens(): void {
    if (this.#hasSpoken) return;
    this.#hasSpoken = true;
    if (this.#isTold) this.#handle.send({ kind: 'stop' });
  }

  #learn(metrics: readonly MetricSnapshot[]): void {
    for (const metric of metrics) this.#known.set(metric.name, metric);
  }

  #answered(): void {
    for (const resolve of this.#collecting) resolve();
  }
}

/** `SIGKILL`, or `exit code 1`. */
export function describeEnd({ code, signal }: WorkerEnd): string {
  return signal ?? `exit code ${code}`;
}
