import type { DeadLetterReason, StoreResult } from '@kero/database';

/**
 * What became of the records that were read, since the start of the process. Always:
 * read = stored + duplicates + redelivered + skipped + the sum of deadLetters.
 */
export interface ProcessorCounts {
  read: number;
  stored: number;
  duplicates: number;
  redelivered: number;
  skipped: number;
  readonly deadLetters: Map<DeadLetterReason, number>;
}

export function createProcessorCounts(): ProcessorCounts {
  return { read: 0, stored: 0, duplicates: 0, redelivered: 0, skipped: 0, deadLetters: new Map() };
}

/** Adds one finished batch, all at once, so that the sums hold at every moment. */
export function countBatch(counts: ProcessorCounts, read: number, skipped: number, result: StoreResult): void {
  counts.read += read;
  counts.skipped += skipped;
  counts.stored += result.stored;
  counts.duplicates += result.duplicates;
  counts.redelivered += result.redelivered;
  for (const [reason, n] of result.deadLetters)
    counts.deadLetters.set(reason, (counts.deadLetters.get(reason) ?? 0) + n);
}
