import { setTimeout as delay } from 'node:timers/promises';
import { waitUntil } from '../../test/support/wait-until.ts';
import type { Figures } from '../framework/bench.ts';
import type { LoadFigures } from '../load/load.ts';
import { requireAccepted, type Stretch } from '../load/run-load.ts';
import type { Program } from '../support/program.ts';
import type { System } from '../systems/system.ts';

export interface StoredOptions extends Stretch {
  readonly connections: number;
  /** Events a request. */
  readonly batch: number;
  /** Whether every accepted event must be a row in the end, and is waited for. */
  readonly drain: boolean;
  /** See LoadOptions. */
  readonly acceptedStatus?: number | undefined;
}

const DRAIN_MS = 180_000;

export const ACCEPTED = 'accepted/s';
export const ROWS = 'rows/s';

/**
 * Load on a system that has just started: how many events it accepts and how many rows it writes in the same stretch of time, which
 * begins after the warm-up. In the end there must be as many rows as events were accepted.
 */
export async function measureStored(system: System, load: Program, options: StoredOptions): Promise<Figures> {
  const { port, stored } = system;
  const { connections, batch, warmUpSeconds, seconds, acceptedStatus } = options;
  await load.call('start', { port, connections, batch, headers: {}, acceptedStatus });
  await delay(warmUpSeconds * 1000);
  const warmUp = await load.call<LoadFigures>('take');
  // What a count sees is what was there when it began, however long it takes.
  const startedAt = performance.now();
  const rowsBefore = await stored();
  await delay(seconds * 1000 - (performance.now() - startedAt));
  const figures = await load.call<LoadFigures>('take');
  const elapsed = (performance.now() - startedAt) / 1000;
  const rows = (await stored()) - rowsBefore;
  const rest = await load.call<LoadFigures>('stop');
  requireAccepted(figures);
  const result = {
    [ACCEPTED]: figures.acceptedEvents / figures.seconds,
    [ROWS]: rows / elapsed,
    'p50 ms': figures.p50Ms,
    'p99 ms': figures.p99Ms,
  };
  if (!options.drain) return result;
  const accepted = warmUp.acceptedEvents + figures.acceptedEvents + rest.acceptedEvents;
  const stoppedAt = performance.now();
  let count = 0;
  await waitUntil(
    async () => {
      count = await stored();
      return count >= accepted;
    },
    { timeoutMs: DRAIN_MS, what: () => `all ${accepted} accepted events to be stored: ${count} are` },
  );
  if (count !== accepted) throw new Error(`${accepted} events were accepted, and ${count} rows are there`);
  return { ...result, 'drained after s': (performance.now() - stoppedAt) / 1000 };
}
