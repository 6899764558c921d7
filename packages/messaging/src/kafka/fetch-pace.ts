/** Between the beginnings of two fetches from the same broker. */
const INTERVAL_MS = 5;
/** An answer with more than this is worth a request of its own; and more may be waiting. */
const LARGE_ANSWER_BYTES = 128 * 1024;

/** A fetch that is over. Times are monotonic, in milliseconds. */
export interface FetchDone {
  readonly beganAt: number;
  readonly bytes: number;
}

/**
 * How long the next fetch from a broker has to wait after this one, in milliseconds.
 *
 * A broker answers when the first record is there. With fetches one straight after the other, each brings the handful of
 * records that came meanwhile, and costs the broker and us as much as one that brings thousands. So fetches keep an
 * interval, and records gather during it:
 *
 * - Nothing comes: a fetch waits at the broker far longer than the interval; the next one begins at once.
 * - A first record after a pause is answered at once, since a fetch is waiting for it.
 * - Records come steadily: one fetch an interval; a record waits for half of it on average.
 * - There is a backlog: answers are large, and the next fetch begins at once.
 */
export function pauseAfterFetch({ beganAt, bytes }: FetchDone, now: number): number {
  if (bytes >= LARGE_ANSWER_BYTES) return 0;
  return Math.max(0, beganAt + INTERVAL_MS - now);
}
