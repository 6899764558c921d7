import type { Logger } from './logger.ts';
import type { Metrics, MetricTable } from './metrics.ts';

export const runtimeMetrics = {
  eventLoopBlocked: {
    name: 'kero_event_loop_blocked_seconds_total',
    type: 'counter',
    help: 'Time during which the process did nothing else: blocks of its event loop of a second and more, and times in which it was stopped.',
    alert:
      'It grows: requests, heartbeats and time-outs wait that long. A minute of it costs the place in the consumer group.',
  },
} as const satisfies MetricTable;

const TICK_MS = 500;
/** Shorter delays are normal on a busy machine; the histogram of Node (nodejs_eventloop_lag_*) shows those. */
const NOTABLE_MS = 1000;

/**
 * Notices that the event loop stood still (a long computation, a stopped process, a machine asleep): a timer that comes late
 * says by how much. One log line and a counter; nobody else can tell, because nothing runs meanwhile.
 */
export function watchEventLoop(options: {
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Monotonic, in milliseconds. */
  readonly now?: () => number;
}): Disposable {
  const { metrics, logger, now = () => performance.now() } = options;
  let blockedMs = 0;
  let last = now();
  const timer = setInterval(() => {
    const lateMs = now() - last - TICK_MS;
    last = now();
    if (lateMs < NOTABLE_MS) return;
    blockedMs += lateMs;
    logger.warn({ blockedMs: Math.round(lateMs) }, `the process stood still for ${Math.round(lateMs)} ms`);
  }, TICK_MS);
  timer.unref();
  metrics.add(runtimeMetrics.eventLoopBlocked, () => blockedMs / 1000);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
