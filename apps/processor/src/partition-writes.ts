import type { HealthState, KeroError } from '@kero/runtime';

/** The database answers or times out long before; an attempt that is older hangs. */
const ATTEMPT_LIMIT_MS = 120_000;
/** Shorter pauses (a deadlock, a connection that broke) are no news. */
const NOTABLE_PAUSE_MS = 5000;

interface Write {
  readonly partition: number;
  attemptedAt: number;
  paused: { readonly since: number; readonly reason: string } | undefined;
}

/** One batch on its way to the database, from its first attempt until it is stored or given up. */
export interface PartitionWrite extends Disposable {
  /** Another attempt begins now. */
  attempt(): void;
  /** It failed and will be made again: the partition is paused. True the first time. */
  failed(error: KeroError, reason: string): boolean;
  /** How long it is paused, in milliseconds; undefined when it is not. */
  readonly pausedMs: number | undefined;
}

/**
 * Which partitions are being written, and which of them wait for the database. An outage that is handled here is a pause:
 * metrics and readiness tell it, and the watchdog leaves it alone.
 */
export class PartitionWrites {
  /** Attempts that failed and were made again, by error code. */
  readonly retries = new Map<string, number>([
    ['database_unavailable', 0],
    ['database_misconfigured', 0],
    ['schemas_unavailable', 0],
  ]);
  /** After a rebalance a partition may have two: one that was given up and has not ended yet, and the next one. */
  readonly #writes = new Set<Write>();
  readonly #now: () => number;

  /** `now`: monotonic, in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  begin(partition: number): PartitionWrite {
    const now = this.#now;
    const write: Write = { partition, attemptedAt: now(), paused: undefined };
    this.#writes.add(write);
    return {
      attempt: () => {
        write.attemptedAt = now();
      },
      failed: (error, reason) => {
        this.retries.set(error.code, (this.retries.get(error.code) ?? 0) + 1);
        const first = write.paused === undefined;
        write.paused = { since: write.paused?.since ?? now(), reason };
        return first;
      },
      get pausedMs() {
        return write.paused && now() - write.paused.since;
      },
      [Symbol.dispose]: () => {
        this.#writes.delete(write);
      },
    };
  }

  get pausedCount(): number {
    return partitionsOf([...this.#writes].filter(({ paused }) => paused !== undefined)).size;
  }

  /** Partitions whose next step is up to the database; not those whose attempt hangs. */
  inHand(): Set<number> {
    const now = this.#now();
    return partitionsOf([...this.#writes].filter(({ attemptedAt }) => now - attemptedAt < ATTEMPT_LIMIT_MS));
  }

  health(): HealthState {
    for (const { partition, paused } of this.#writes) {
      const pausedMs = paused ? this.#now() - paused.since : 0;
      if (!paused || pausedMs < NOTABLE_PAUSE_MS) continue;
      const others = this.pausedCount > 1 ? ` and ${this.pausedCount - 1} more` : '';
      const seconds = Math.round(pausedMs / 1000);
      return { up: false, reason: `paused for ${seconds} s (partition ${partition}${others}): ${paused.reason}` };
    }
    return { up: true };
  }
}

function partitionsOf(writes: readonly Write[]): Set<number> {
  return new Set(writes.map(({ partition }) => partition));
}
