/** Rebuilds that did not help, within a while: only a new process can. */
const MAX_REBUILDS = 3;
const REBUILD_WINDOW_MS = 300_000;
/** Of a trouble that the consumer knows of and works on, this many times the patience. */
const TROUBLE_FACTOR = 10;

export interface WatchdogOptions {
  /** WATCHDOG_STALL_AFTER: how long nothing may move while work waits, in milliseconds. */
  readonly stallAfterMs: number;
  /** The time between two looks; what passed beyond twice of it, the process stood still and could not move anything. */
  readonly intervalMs: number;
}

/** What is seen at one look. */
export interface Sighting {
  /** Monotonic, in milliseconds. */
  readonly now: number;
  /** There is work that this process should be doing: not that which waits for an outage to end. */
  readonly workWaits: boolean;
  /** The consumer says itself that something is wrong, and does something about it. */
  readonly inTrouble: boolean;
  /** Differs when anything has moved since the last look. */
  readonly progress: string;
}

export type Verdict = 'fine' | 'rebuild' | 'exit';

/**
 * Notices that work waits and nothing moves, whatever the reason.
 *
 *   moving  --work waits and nothing has moved since the last look--> waiting
 *   waiting --for WATCHDOG_STALL_AFTER (ten times that while the consumer knows of its trouble)--> stalled: rebuild the consumer
 *   stalled --the same time again, and nothing has moved--> stalled: rebuild it again; after three times in five minutes: exit
 *   any     --something moves, or no work waits--> moving
 *
 * Time counts only while the process runs: after a stop of the whole process (SIGSTOP, a blocked event loop) the consumer gets
 * its full time to move.
 */
export class Watchdog {
  readonly #options: WatchdogOptions;
  #state: 'moving' | 'waiting' | 'stalled' = 'moving';
  #last: { readonly now: number; readonly progress: string } | undefined;
  /** How long nothing has moved, without and with trouble that is known. */
  #stillMs = 0;
  #troubledMs = 0;
  #stalledMs = 0;
  /** When the consumer was rebuilt. */
  #rebuilds: number[] = [];

  constructor(options: WatchdogOptions) {
    this.#options = options;
  }

  /** How long the work has been waiting when it is stalled, in milliseconds; undefined while it is not. */
  get stalledMs(): number | undefined {
    return this.#state === 'stalled' ? this.#stalledMs : undefined;
  }

  /** To be called every `intervalMs`. */
  look({ now, workWaits, inTrouble, progress }: Sighting): Verdict {
    const last = this.#last;
    this.#last = { now, progress };
    if (!last || !workWaits || progress !== last.progress) {
      this.#set('moving');
      return 'fine';
    }
    const { stallAfterMs, intervalMs } = this.#options;
    const patienceMs = inTrouble ? stallAfterMs * TROUBLE_FACTOR : stallAfterMs;
    const passedMs = Math.min(now - last.now, 2 * intervalMs);
    this.#stalledMs += passedMs;
    this.#stillMs = inTrouble ? 0 : this.#stillMs + passedMs;
    if (inTrouble) this.#troubledMs += passedMs;
    if ((inTrouble ? this.#troubledMs : this.#stillMs) < patienceMs) {
      if (this.#state === 'moving') this.#set('waiting');
      return 'fine';
    }
    this.#set('stalled');
    return this.#rebuild(now, patienceMs);
  }

  #rebuild(now: number, patienceMs: number): Verdict {
    // With a long patience three stalls do not fit into five minutes.
    const windowMs = Math.max(REBUILD_WINDOW_MS, (MAX_REBUILDS + 2) * patienceMs);
    this.#rebuilds = this.#rebuilds.filter((at) => now - at < windowMs);
    if (this.#rebuilds.length >= MAX_REBUILDS) return 'exit';
    this.#rebuilds.push(now);
    this.#stillMs = 0;
    this.#troubledMs = 0;
    return 'rebuild';
  }

  #set(state: 'moving' | 'waiting' | 'stalled'): void {
    this.#state = state;
    if (state !== 'moving') return;
    this.#stillMs = 0;
    this.#troubledMs = 0;
    this.#stalledMs = 0;
  }
}
