/**
 * Asks until the answer is neither undefined nor false, and gives it. What the condition throws ends the wait.
 * Tests wait for conditions, never for a fixed time.
 */
export async function waitUntil<T>(
  condition: () => T | undefined | false | Promise<T | undefined | false>,
  options: { readonly timeoutMs?: number; readonly what?: string | (() => string) } = {},
): Promise<T> {
  const { timeoutMs = 30_000, what = 'a condition' } = options;
  const until = performance.now() + timeoutMs;
  for (;;) {
    const answer = await condition();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > until) {
      throw new Error(`waited ${timeoutMs} ms in vain for ${typeof what === 'string' ? what : what()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
