import type { Consumer, KnownLag } from '@kero/messaging';
import { type Health, type HealthState, sleep, withDeadline } from '@kero/runtime';
import { type ProcessEventsDeps, processEvents } from './process-events.ts';
import { processorError } from './processor-errors.ts';
import { sightProgress } from './sight-progress.ts';
import { type Verdict, Watchdog } from './watchdog.ts';

/** What the batches that a stalled consumer gave out get to end; at most as long as they stood still already. */
const ABANDON_AFTER_MS = 5000;
const CLOSE_PATIENCE_MS = 10_000;

export interface SuperviseDeps extends Omit<ProcessEventsDeps, 'consumer'> {
  readonly openConsumer: () => Promise<Consumer>;
  /** What the log says of the group, last time it answered. */
  readonly lag: () => KnownLag | undefined;
  /** Gets the parts `log consumer`, `processor` and `progress`, the last one for liveness too. */
  readonly health: Health;
  /** WATCHDOG_STALL_AFTER, in milliseconds. */
  readonly stallAfterMs: number;
  /** How long a stop waits for writes that are under way, in milliseconds. */
  readonly stopPatienceMs: number;
}

export interface Supervision {
  /** The consumer at work; undefined while one is being opened. */
  readonly consumer: Consumer | undefined;
  /** Stalls after which it was built anew. */
  readonly rebuilds: number;
  /** Resolves at the stop. Rejects for a bug, for what needs a person, and with `processor_stalled`. */
  readonly done: Promise<void>;
}

/** Processes until `stop`, under the eye of a watchdog that builds the consumer anew when work waits and nothing moves. */
export function superviseProcessing(deps: SuperviseDeps, stop: AbortSignal): Supervision {
  const { health, writes, stallAfterMs } = deps;
  const intervalMs = Math.min(1000, stallAfterMs / 10);
  const watchdog = new Watchdog({ stallAfterMs, intervalMs });
  const supervision: { consumer: Consumer | undefined; rebuilds: number } = { consumer: undefined, rebuilds: 0 };
  health.register('log consumer', () => supervision.consumer?.health() ?? { up: false, reason: 'being opened' });
  health.register('processor', () => writes.health());
  const stalledFor = () =>
    `events wait in the log and nothing has moved for ${Math.round((watchdog.stalledMs ?? 0) / 1000)} s`;
  const progress = (): HealthState =>
    watchdog.stalledMs === undefined ? { up: true } : { up: false, reason: stalledFor() };
  health.register('progress', progress);
  health.registerLive('progress', progress);

  const run = async () => {
    while (!stop.aborted) {
      const consumer = await deps.openConsumer();
      supervision.consumer = consumer;
      const look = () => {
        const { settings, counts, lag } = deps;
        const { connections } = settings;
        const input = { consumer, lag: lag(), inHand: writes.inHand(), connections, read: counts.read };
        return watchdog.look({ now: performance.now(), ...sightProgress(input) });
      };
      const onRebuild = () => {
        const { stalledMs } = watchdog;
        const rebuilds = ++supervision.rebuilds;
        deps.logger.warn({ stalledMs, rebuilds }, `${stalledFor()}: building the consumer anew`);
      };
      const outcome = await runOnce({ ...deps, consumer, intervalMs, look, onRebuild }, stop);
      if (outcome === 'done') return;
      if (outcome === 'exit') {
        throw processorError('processor_stalled', `${stalledFor()}, although the consumer was built anew 3 times`);
      }
    }
  };
  const done = run();
  return {
    get consumer() {
      return supervision.consumer;
    },
    get rebuilds() {
      return supervision.rebuilds;
    },
    done,
  };
}

interface RunDeps extends SuperviseDeps {
  readonly consumer: Consumer;
  readonly intervalMs: number;
  readonly look: () => Verdict;
  readonly onRebuild: () => void;
}

/** Runs one consumer until the stop or a stall, and closes it. */
async function runOnce(deps: RunDeps, stop: AbortSignal): Promise<'done' | 'rebuild' | 'exit'> {
  const { consumer, intervalMs, look, onRebuild, stallAfterMs, stopPatienceMs, logger } = deps;
  const over = new AbortController();
  const stalled = Promise.withResolvers<'rebuild' | 'exit'>();
  const timer = setInterval(() => {
    const verdict = stop.aborted ? 'fine' : look();
    if (verdict === 'fine') return;
    clearInterval(timer);
    if (verdict === 'rebuild') onRebuild();
    stalled.resolve(verdict);
  }, intervalMs);
  const processing = processEvents(deps, AbortSignal.any([stop, over.signal])).then(() => 'done' as const);
  // After a stall nobody waits for it any more.
  processing.catch(() => {});
  const late = lateAfter(stop, stopPatienceMs, over.signal);
  try {
    const outcome = await Promise.race([processing, stalled.promise, late]);
    if (outcome === 'late') {
      const message = `writes did not end within ${stopPatienceMs} ms after the stop: they are broken off, and their records will be read again`;
      logger.warn(message);
      return 'done';
    }
    if (outcome !== 'done') {
      over.abort();
      await Promise.race([processing.catch(() => {}), sleep(Math.min(ABANDON_AFTER_MS, stallAfterMs))]);
    }
    return outcome;
  } finally {
    clearInterval(timer);
    over.abort();
    const hung = () => new Error('it did not close in time');
    await withDeadline(consumer.close(), CLOSE_PATIENCE_MS, hung).catch((error: unknown) =>
      logger.warn({ reason: String(error) }, 'the consumer was left behind'),
    );
  }
}

async function lateAfter(stop: AbortSignal, ms: number, over: AbortSignal): Promise<'late'> {
  const either = AbortSignal.any([stop, over]);
  if (!either.aborted) await new Promise((resolve) => either.addEventListener('abort', resolve, { once: true }));
  if (!over.aborted) await sleep(ms, over);
  return 'late';
}
