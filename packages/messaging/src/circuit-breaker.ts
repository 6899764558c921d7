import type { HealthState, Logger } from '@kero/runtime';
import type { AppendOptions, NewRecord, Producer } from './messaging.ts';
import { AppendError, messagingError } from './messaging-errors.ts';

/** No append confirmed for this long while appends fail: the log is down. */
const SILENCE_MS = 2000;
const FIRST_OPEN_MS = 500;
const MAX_OPEN_MS = 5000;
/** After its deadline a trial is lost: a driver that keeps no deadline must not keep the circuit from trying again. */
const TRIAL_GRACE_MS = 1000;
/** How soon those who are refused beside a trial are asked to come back at the latest: it may be confirmed any moment. */
const BESIDE_TRIAL_MS = 1000;

type State =
  | { readonly kind: 'closed'; readonly failingSince: number }
  | { readonly kind: 'open'; readonly until: number; readonly outage: Outage }
  | { readonly kind: 'half-open'; readonly trialUntil: number | undefined; readonly outage: Outage };

interface Outage {
  readonly since: number;
  readonly reason: string;
  /** How long the circuit is open after the next failed trial. */
  readonly nextOpenMs: number;
}

const HEALTHY: State = { kind: 'closed', failingSince: Number.POSITIVE_INFINITY };

export interface CircuitOptions {
  readonly logger: Logger;
  /** Monotonic, in milliseconds. */
  readonly now?: () => number;
}

export interface CircuitProducer extends Producer {
  readonly circuit: {
    readonly state: State['kind'];
    /** Whether an append that came now would be refused at once. */
    readonly refusing: boolean;
    /** How often it went from closed to open. */
    readonly opened: number;
    /** Appends that were refused at once. */
    readonly refused: number;
  };
}

/**
 * Puts a circuit before a producer: while the log is known to be down, appends fail at once instead of waiting for their
 * deadline, so that neither clients nor memory wait for it.
 *
 *   closed    --an append failed with log_unavailable, and for 2 s none was confirmed while some waited or failed--> open
 *   open      --0.5 s, after each failed trial twice as long, up to 5 s--> half-open
 *   half-open --the next append goes out as the trial; those beside it are refused. It is not confirmed--> open
 *   any       --an append is confirmed (the trial, or one that was under way)--> closed
 *
 * Without traffic it stands half-open and lets the producer say whether the log is well, so that a receiver that got no
 * requests because it was not ready becomes ready again. There are no timers: the state is worked out when somebody asks.
 */
export function withCircuit(producer: Producer, options: CircuitOptions): CircuitProducer {
  return new Circuit(producer, options);
}

class Circuit implements CircuitProducer {
  readonly #producer: Producer;
  readonly #logger: Logger;
  readonly #now: () => number;
  #state: State = HEALTHY;
  #confirmedAt = Number.NEGATIVE_INFINITY;
  #opened = 0;
  #refused = 0;
  #refusedBefore = 0;

  constructor(producer: Producer, { logger, now = () => performance.now() }: CircuitOptions) {
    this.#producer = producer;
    this.#logger = logger;
    this.#now = now;
  }

  get circuit() {
    const state = this.#current();
    const refusing = state.kind === 'open' || (state.kind === 'half-open' && state.trialUntil !== undefined);
    return { state: state.kind, refusing, opened: this.#opened, refused: this.#refused };
  }

  append(records: readonly NewRecord[], options: AppendOptions): Promise<void> {
    const state = this.#current();
    const startedAt = this.#now();
    if (state.kind === 'closed') return this.#pass(records, options, startedAt);
    if (state.kind === 'open') return this.#refuse(records.length, state.outage, state.until - startedAt);
    if (state.trialUntil !== undefined) {
      return this.#refuse(records.length, state.outage, Math.min(BESIDE_TRIAL_MS, state.trialUntil - startedAt));
    }
    // With the deadline of its caller: a log that is slow but confirms in time is well, and a shorter one would never see it.
    const trial: State = { ...state, trialUntil: startedAt + options.deadlineMs + TRIAL_GRACE_MS };
    this.#set(trial);
    return this.#pass(records, options, startedAt, trial);
  }

  health(): HealthState {
    const state = this.#current();
    return state.kind === 'open' ? { up: false, reason: state.outage.reason } : this.#producer.health();
  }

  close(): Promise<void> {
    return this.#producer.close();
  }

  #pass(records: readonly NewRecord[], options: AppendOptions, startedAt: number, trial?: State): Promise<void> {
    return this.#producer.append(records, options).then(this.#onConfirmed, (error: unknown) => {
      const failed = error instanceof AppendError ? error.failures : undefined;
      // What the log confirmed of a call that failed in part proves it well; other refusals than these prove nothing.
      if (failed && failed.size < records.length) this.#onConfirmed();
      else if (failed && [...failed.values()].every(({ code }) => code === 'log_unavailable')) {
        this.#onFailure(startedAt, String(failed.values().next().value?.message), trial);
      } else if (this.#state === trial && trial.kind === 'half-open') this.#set({ ...trial, trialUntil: undefined });
      throw error;
    });
  }

  readonly #onConfirmed = (): void => {
    this.#confirmedAt = this.#now();
    if (this.#state !== HEALTHY) this.#set(HEALTHY);
  };

  /** Failures of calls that went out before the circuit opened tell nothing new. */
  #onFailure(startedAt: number, reason: string, trial: State | undefined): void {
    const state = this.#current();
    const now = this.#now();
    if (state.kind === 'closed') {
      const failingSince = Math.min(state.failingSince, Math.max(startedAt, this.#confirmedAt));
      if (now - failingSince < SILENCE_MS) {
        this.#set({ kind: 'closed', failingSince });
      } else {
        const outage = { since: failingSince, reason, nextOpenMs: FIRST_OPEN_MS * 2 };
        this.#set({ kind: 'open', until: now + FIRST_OPEN_MS, outage });
      }
    } else if (state === trial) {
      const { since, nextOpenMs } = state.outage;
      const outage = { since, reason, nextOpenMs: Math.min(MAX_OPEN_MS, nextOpenMs * 2) };
      this.#set({ kind: 'open', until: now + nextOpenMs, outage });
    }
  }

  /** The state as of now: an open circuit whose time is over is half-open, and a trial that never ended is lost. */
  #current(): State {
    const state = this.#state;
    if (state.kind === 'closed') return state;
    const now = this.#now();
    if (state.kind === 'open' && now >= state.until) {
      this.#set({ kind: 'half-open', trialUntil: undefined, outage: state.outage });
    } else if (state.kind === 'half-open' && state.trialUntil !== undefined && now >= state.trialUntil) {
      this.#set({ ...state, trialUntil: undefined });
    }
    return this.#state;
  }

  #set(state: State): void {
    const before = this.#state;
    this.#state = state;
    if (before.kind === 'closed' && state.kind === 'open') {
      this.#opened++;
      this.#refusedBefore = this.#refused;
      const { reason } = state.outage;
      this.#logger.warn({ reason }, `the log is down, appends are refused at once until it confirms again: ${reason}`);
    } else if (before.kind !== 'closed' && state.kind === 'closed') {
      const downMs = Math.round(this.#now() - before.outage.since);
      const refused = this.#refused - this.#refusedBefore;
      this.#logger.info({ downMs, refused }, `the log confirms appends again, after ${downMs} ms`);
    }
  }

  #refuse(records: number, { reason }: Outage, leftMs: number): Promise<never> {
    this.#refused++;
    const failure = messagingError('log_unavailable', `the log is down, nothing was given to it: ${reason}`);
    const failures = new Map(Array.from({ length: records }, (_, index) => [index, failure]));
    return Promise.reject(new AppendError(failures, { retryAfterMs: Math.max(0, leftMs) }));
  }
}
