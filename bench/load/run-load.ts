import { setTimeout as delay } from 'node:timers/promises';
import type { Figures } from '../framework/bench.ts';
import type { Program } from '../support/program.ts';
import type { LoadFigures, LoadOptions } from './load.ts';

export interface Stretch {
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

/** Load for a while: what came back after the warm-up, and how much CPU time `server` took for it. */
export async function runLoad(
  load: Program,
  server: Program,
  options: LoadOptions,
  stretch: Stretch,
): Promise<LoadFigures & { readonly cpuMs: number }> {
  await load.call('start', options);
  await delay(stretch.warmUpSeconds * 1000);
  await load.call('take');
  const cpuBefore = await server.cpuMs();
  await delay(stretch.seconds * 1000);
  const figures = await load.call<LoadFigures>('take');
  const cpuMs = (await server.cpuMs()) - cpuBefore;
  await load.call('stop');
  return { ...figures, cpuMs };
}

/** Throws when anything but 202 came back: then the figures are those of something else. */
export function requireAccepted({ others, accepted }: LoadFigures): void {
  const texts = Object.entries(others).map(([status, count]) => `${count} x ${status}`);
  if (texts.length > 0 || accepted === 0)
    throw new Error(`${accepted} requests were accepted, others: ${texts.join(', ') || 'none'}`);
}

export function requestFigures(figures: LoadFigures & { readonly cpuMs: number }): Figures {
  return {
    'requests/s': figures.accepted / figures.seconds,
    'CPU us a request': (figures.cpuMs * 1000) / figures.accepted,
    // Well below 100 the load was the limit, or others were at work: then the ratio of requests is not one of servers.
    '% of its core': figures.cpuMs / figures.seconds / 10,
    'p50 ms': figures.p50Ms,
    'p99 ms': figures.p99Ms,
  };
}
