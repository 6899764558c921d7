/** What one part of a process says of itself: up, or down with the reason. */
export type HealthState = { readonly up: true } | { readonly up: false; readonly reason: string };

export interface HealthReport {
  readonly up: boolean;
  readonly parts: Readonly<Record<string, HealthState>>;
}

/**
 * The parts of a process that must be up before it should get work. Parts are asked at each look, so the answer is never
 * older than the question.
 */
export class Health {
  readonly #parts = new Map<string, () => HealthState>();

  register(name: string, state: () => HealthState): void {
    this.#parts.set(name, state);
  }

  report(): HealthReport {
    const parts: Record<string, HealthState> = {};
    let up = true;
    for (const [name, state] of this.#parts) {
      const found = state();
      parts[name] = found;
      up &&= found.up;
    }
    return { up, parts };
  }
}
