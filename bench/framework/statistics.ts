/** What several rounds have measured of one thing. */
export interface Figure {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** Throws RangeError without values. */
export function figureOf(values: readonly number[]): Figure {
  const sorted = [...values].sort((a, b) => a - b);
  const [low] = sorted;
  const high = sorted.at(-1);
  if (low === undefined || high === undefined) throw new RangeError('no values');
  return { median: quantile(sorted, 0.5), low, high };
}

/** Between two values it lies as far as it is between them; `sorted` ascending and not empty, `share` from 0 to 1. */
export function quantile(sorted: readonly number[], share: number): number {
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}
