import type { HealthReport } from '../health.ts';
import type { MetricSnapshot } from '../metrics.ts';

/** An error on its way to another process, which cannot get the object. */
export interface SentError {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
  readonly retryable: boolean;
}

/** What a worker tells its parent. */
export type FromWorker =
  /** Once a second. `totals`: its counters and histograms, so that few of them are missing when it is killed. */
  | { readonly kind: 'report'; readonly ready: HealthReport; readonly totals: readonly MetricSnapshot[] }
  /** It takes work; `where` says where, for a person. */
  | { readonly kind: 'serving'; readonly where: string }
  /** The answer to `collect`. */
  | { readonly kind: 'metrics'; readonly metrics: readonly MetricSnapshot[] }
  /** It cannot start, for this reason, and ends. */
  | { readonly kind: 'failed'; readonly error: SentError };

/** What a parent tells a worker. */
export type ToWorker = { readonly kind: 'stop' } | { readonly kind: 'collect' };
