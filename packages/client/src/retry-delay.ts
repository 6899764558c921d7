export interface RetryPolicy {
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
  /** The longest Retry-After that is honoured in full. */
  readonly deadlineMs: number;
}

/**
 * How long to pause before the next attempt, in milliseconds. A Retry-After is waited for in full, and the back-off comes on top;
 * half of that is random, so that clients that failed together do not come back together. A Retry-After beyond the deadline of
 * events counts as the deadline: otherwise one wrong header could silence a client for days.
 *
 * @param failures attempts in a row that left something to be sent again, from 1.
 */
export function retryDelay(
  failures: number,
  retryAfterMs: number | undefined,
  policy: RetryPolicy,
  random: () => number,
): number {
  const ceiling = Math.min(policy.maxDelayMs, policy.firstDelayMs * 2 ** Math.min(failures - 1, 30));
  const backoff = ceiling / 2 + (random() * ceiling) / 2;
  return Math.round(backoff + Math.min(retryAfterMs ?? 0, policy.deadlineMs));
}
