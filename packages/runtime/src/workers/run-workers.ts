import type { Health } from '../health.ts';
import type { ServiceContext } from '../lifecycle.ts';
import type { Logger } from '../logger.ts';
import type { Metrics, MetricTable, Scrape } from '../metrics.ts';
import type { WorkerHandle } from './fork-worker.ts';
import { renderSum } from './sum-metrics.ts';
import { WorkerPool } from './worker-pool.ts';
import { WorkersHealth } from './workers-health.ts';

export const workerMetrics = {
  ready: {
    name: 'kero_workers_ready',
    type: 'gauge',
    help: 'Worker processes that take requests; only with RECEIVER_WORKERS above 1.',
    alert: 'Below RECEIVER_WORKERS for more than a minute.',
  },
  restarts: {
    name: 'kero_worker_restarts_total',
    type: 'counter',
    help: 'How often a worker process ended by itself and another was started in its place; only with RECEIVER_WORKERS above 1.',
    alert: 'Any growth.',
  },
} as const satisfies MetricTable;

export interface WorkersOptions {
  readonly count: number;
  /** Starts one: forkWorker. */
  readonly fork: () => WorkerHandle;
  readonly health: Health;
  /** Of this process alone. */
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** A worker takes work; called for each, and again for those that come in the place of others. */
  readonly onServing: (where: string) => void;
}

export interface Workers extends Pick<Metrics, 'scrape'> {
  /**
   * Starts them, and keeps them running until the service stops; then they finish what is in flight and end before this process
   * does. Resolves when the first one takes work, or at a stop. A failure of theirs is one of the service.
   */
  start(): Promise<void>;
}

/** The workers of a service that does no work itself: its health is theirs, and `scrape` shows all of them together. */
export function prepareWorkers(
  context: Pick<ServiceContext, 'stop' | 'resources' | 'fail' | 'onForce'>,
  { health, metrics, onServing, ...options }: WorkersOptions,
): Workers {
  const first = Promise.withResolvers<void>();
  const pool: WorkerPool = new WorkerPool({
    ...options,
    onServing: (where) => {
      onServing(where);
      first.resolve();
    },
    onReport: () => ofWorkers.update(),
    onFailure: context.fail,
  });
  const ofWorkers = new WorkersHealth(health, pool);
  metrics.add(workerMetrics.ready, () => pool.workers.filter(({ report }) => report.up).length);
  metrics.add(workerMetrics.restarts, () => pool.restarts);
  const stop = () => {
    first.resolve();
    // What it rejects with, it rejects the disposal with, too.
    pool.stop().catch(() => {});
  };
  return {
    scrape: async (): Promise<Scrape> => renderSum([await metrics.snapshot(), ...(await pool.collect())]),
    async start() {
      context.resources.use(pool);
      context.onForce(() => pool.kill());
      context.stop.addEventListener('abort', stop, { once: true });
      if (context.stop.aborted) return;
      pool.start();
      await first.promise;
    },
  };
}
