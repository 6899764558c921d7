/** Asks an HTTP health route. Undefined when it says yes, else why not. */
export async function notReady(name: string, url: string): Promise<string | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
    const text = await response.text();
    return response.status === 200 ? undefined : `${name}: ${text.trim().slice(0, 300)}`;
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return `${name}: ${cause instanceof Error ? cause.message : String(cause)}`;
  }
}
