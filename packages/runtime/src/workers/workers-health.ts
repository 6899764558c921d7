import type { Health, HealthState } from '../health.ts';
import type { WorkerPool } from './worker-pool.ts';

/**
 * Readiness of a parent: it should get work when one of its workers takes it, and none is stuck (which would still be given
 * connections). Each part that workers have is shown once: up when it is for any of them.
 */
export class WorkersHealth {
  readonly #health: Health;
  readonly #pool: WorkerPool;

  constructor(health: Health, pool: WorkerPool) {
    this.#health = health;
    this.#pool = pool;
    health.register('workers', () => this.#stateOfAll());
  }

  /** Registers the parts that workers have told of. */
  update(): void {
    for (const { report } of this.#pool.workers) {
      for (const part of Object.keys(report.parts)) {
        if (part !== 'process') this.#health.register(part, () => this.#stateOf(part));
      }
    }
  }

  #stateOfAll(): HealthState {
    const { workers, stuck } = this.#pool;
    const [first] = stuck;
    if (first) return { up: false, reason: `worker ${first.id} has said nothing for ${first.silentTicks} s` };
    return workers.some(({ report }) => report.up) ? { up: true } : { up: false, reason: 'no worker is ready' };
  }

  #stateOf(part: string): HealthState {
    const states = this.#pool.workers.flatMap(({ report }) => report.parts[part] ?? []);
    return states.find(({ up }) => up) ?? states[0] ?? { up: false, reason: 'no worker runs' };
  }
}
