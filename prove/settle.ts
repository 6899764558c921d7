import { setTimeout as delay } from 'node:timers/promises';
import type { Draining } from './check/evidence.ts';
import type { Deliveries } from './load/deliveries.ts';
import { validEvent } from './load/events.ts';
import type { Random } from './random.ts';
import type { System } from './system/system.ts';

export interface SettleOptions {
  readonly system: System;
  readonly deliveries: Deliveries;
  readonly random: Random;
  readonly run: string;
  /** Number of the probe event, unique in the run. */
  readonly unique: number;
  readonly limitS: number;
  readonly stop: AbortSignal;
}

const PROBE_LIMIT_S = 15;

/**
 * Everything is healed and the load has stopped: waits until nothing is unknown, nothing lags and every process is ready,
 * then sends a probe event and waits for its row.
 */
export async function settle(options: SettleOptions): Promise<Draining> {
  const { system, deliveries, limitS, stop } = options;
  const healedAt = performance.now();
  const elapsedS = () => (performance.now() - healedAt) / 1000;
  const retries = new AbortController();
  const retrying = deliveries.retryUntil(AbortSignal.any([retries.signal, stop]));
  deliveries.hurry();

  let unknownsSettledS: number | undefined;
  let drainedS: number | undefined;
  let readyS: number | undefined;
  let left = '';
  while (elapsedS() < limitS && !stop.aborted) {
    if (deliveries.open === 0) unknownsSettledS ??= elapsedS();
    const lag = await lagOf(system);
    // What is accepted later is to be drained as well.
    if (lag === 0 && unknownsSettledS !== undefined) drainedS ??= elapsedS();
    const { ready, reasons } = await system.readiness();
    if (ready) readyS ??= elapsedS();
    left = `${deliveries.open} open, lag ${lag ?? 'not known'}, ${ready ? 'ready' : reasons.join('; ')}`;
    if (drainedS !== undefined && readyS !== undefined) break;
    await delay(100);
  }
  retries.abort();
  await retrying;
  const probeStoredS = drainedS === undefined || stop.aborted ? undefined : await probe(options);
  const progress = await system.log.progress().catch(() => []);
  const probeLimitS = PROBE_LIMIT_S;
  return { limitS, unknownsSettledS, drainedS, readyS, probeStoredS, probeLimitS, left, progress };
}

/** Records that are not committed yet; undefined while the log is down. */
export async function lagOf(system: System): Promise<number | undefined> {
  try {
    const progress = await system.log.progress();
    return progress.reduce((sum, { committed, end }) => sum + end - committed, 0);
  } catch {
    return undefined;
  }
}

async function probe({ system, deliveries, random, run, unique }: SettleOptions): Promise<number | undefined> {
  const made = validEvent(random.fork('probe'), { user: 'probe', run, unique, class: 'probe', seq: 0 });
  const startedAt = performance.now();
  const elapsedS = () => (performance.now() - startedAt) / 1000;
  const content = deliveries.record(made.content);
  while (elapsedS() < PROBE_LIMIT_S) {
    const { outcome } = await deliveries.send(content, 'first', { client: 0, retry: false });
    if (outcome === 'ok') break;
    await delay(200);
  }
  const client = await system.postgres.connect().catch(() => undefined);
  if (!client) return undefined;
  try {
    while (elapsedS() < PROBE_LIMIT_S) {
      const { rowCount } = await client.query('select from public.events where event_id = $1', [made.parts.eventId]);
      if (rowCount === 1 && (await lagOf(system)) === 0) return elapsedS();
      await delay(50);
    }
    return undefined;
  } finally {
    await client.end();
  }
}
