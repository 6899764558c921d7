/** What one part of a process says of itself: up, or down with the reason. */
export type HealthState = { readonly up: true } | { readonly up: false; readonly reason: string };

export interface HealthReport {
  readonly up: boolean;
  readonly parts: Readonly<Record<string, HealthState>>;
}

/**
 * Two questions about a process, each the sum of its parts. Ready: should it get work? Live: does it get anywhere, or would
 * only a restart help? Parts are asked at each look, so the answer is never older than the question.
 */
export class Health {
  readonly #ready = new Map<string, () => HealthState>();
  readonly #live = new Map<string, () => HealthState>();

  /** Adds a part to readiness. A part that is registered again replaces the one before. */
  register(name: string, state: () => HealthState): void {
    this.#ready.set(name, state);
  }

  /** Adds the part `process`: not ready until the returned function is called, and not any more from the stop on. */
  registerProcess(stop: AbortSignal): () => void {
    let started = false;
    this.register('process', () => {
      if (stop.aborted) return { up: false, reason: 'stopping' };
      return started ? { up: true } : { up: false, reason: 'starting' };
    });
    return () => {
      started = true;
    };
  }

  /** Adds a part to liveness. Only for what a restart heals: an outage of something else is a matter of readiness. */
  registerLive(name: string, state: () => HealthState): void {
    this.#live.set(name, state);
  }

  report(): HealthReport {
    return reportOf(this.#ready);
  }

  reportLive(): HealthReport {
    return reportOf(this.#live);
  }
}

function reportOf(states: ReadonlyMap<string, () => HealthState>): HealthReport {
  const parts: Record<string, HealthState> = {};
  let up = true;
  for (const [name, state] of states) {
    const found = state();
    parts[name] = found;
    up &&= found.up;
  }
  return { up, parts };
}
