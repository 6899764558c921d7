import { watchEventLoop } from './event-loop-watch.ts';
import { Health } from './health.ts';
import type { ServiceContext } from './lifecycle.ts';
import type { Logger } from './logger.ts';
import { Metrics } from './metrics.ts';

export interface ObservedProcess {
  readonly health: Health;
  readonly metrics: Metrics;
  /** Not ready before it is called. */
  readonly started: () => void;
}

/** What every service shows of its process, from the first moment until it ends: for its admin server. */
export function observeProcess(
  { stop, resources }: Pick<ServiceContext, 'stop' | 'resources'>,
  logger: Logger,
): ObservedProcess {
  const health = new Health();
  const started = health.registerProcess(stop);
  const metrics = Metrics.ofProcess();
  resources.use(watchEventLoop({ metrics, logger }));
  return { health, metrics, started };
}
