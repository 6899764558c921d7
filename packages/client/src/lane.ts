import type { BatchOutcome } from './answer.ts';
import type { ClientSettings } from './options.ts';
import type { PendingEvent } from './pending-event.ts';
import type { PostBatch } from './post-batch.ts';
import { retryDelay } from './retry-delay.ts';

export interface LaneDependencies {
  readonly settings: Pick<
    ClientSettings,
    'maxEvents' | 'maxBytes' | 'lingerMs' | 'firstDelayMs' | 'maxDelayMs' | 'deadlineMs' | 'onRetry'
  >;
  readonly post: PostBatch;
  /** Ends requests and pauses for good. */
  readonly giveUp: AbortSignal;
  /** From 0 to below 1. */
  readonly random: () => number;
}

/** What a request, or the two halves of one, left to be sent again. */
interface Rest {
  readonly events: readonly PendingEvent[];
  readonly outcome: BatchOutcome;
}

/**
 * One queue with at most one request at a time, so that its events arrive in order.
 *
 * States: idle (nothing waits) -> lingering (the first event waits for others) -> sending -> pausing (events are left to be
 * sent again; they go back to the head of the queue) -> sending ... -> idle. Only #run() moves from one to the next.
 */
export class Lane {
  readonly #dependencies: LaneDependencies;
  #queue: PendingEvent[] = [];
  #queuedBytes = 0;
  #isRunning = false;
  #endLinger: (() => void) | undefined;

  constructor(dependencies: LaneDependencies) {
    this.#dependencies = dependencies;
  }

  add(pending: PendingEvent, isUrgent: boolean): void {
    this.#queue.push(pending);
    this.#queuedBytes += pending.bytes;
    if (!this.#isRunning) {
      this.#isRunning = true;
      void this.#run(isUrgent);
    }
    if (isUrgent || this.#isBatchFull()) this.#endLinger?.();
  }

  /** Sends what waits for others without waiting any longer. Does not shorten the pause before another attempt. */
  hurry(): void {
    this.#endLinger?.();
  }

  async #run(isUrgent: boolean): Promise<void> {
    if (!isUrgent) await this.#linger();
    let failures = 0;
    while (this.#queue.length > 0) {
      const rest = await this.#send(this.#takeBatch());
      const events = rest.events.filter((event) => !event.isSettled);
      if (events.length === 0) {
        failures = 0;
        continue;
      }
      failures++;
      this.#queue = [...events, ...this.#queue];
      for (const event of events) this.#queuedBytes += event.bytes;
      await this.#pause(failures, events.length, rest.outcome);
    }
    this.#isRunning = false;
  }

  async #linger(): Promise<void> {
    const { lingerMs } = this.#dependencies.settings;
    if (lingerMs === 0 || this.#isBatchFull()) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, lingerMs);
      this.#endLinger = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#endLinger = undefined;
  }

  #isBatchFull(): boolean {
    const { maxEvents, maxBytes } = this.#dependencies.settings;
    return this.#queue.length >= maxEvents || this.#queuedBytes >= maxBytes;
  }

  /** The head of the queue, as much as one request may hold. */
  #takeBatch(): PendingEvent[] {
    const { maxEvents, maxBytes } = this.#dependencies.settings;
    const batch: PendingEvent[] = [];
    let bytes = 0;
    for (const event of this.#queue) {
      if (batch.length >= maxEvents || (batch.length > 0 && bytes + event.bytes > maxBytes)) break;
      batch.push(event);
      bytes += event.bytes;
    }
    this.#queuedBytes -= bytes;
    this.#queue = this.#queue.slice(batch.length);
    return batch;
  }

  async #send(events: readonly PendingEvent[]): Promise<Rest> {
    const batch = events.filter((event) => !event.isSettled);
    if (batch.length === 0) return { events: [], outcome: { items: [], tooLarge: false } };
    const before = batch.map((event) => event.mayBeStored);
    // From here on its deadline may pass while the request is on its way.
    for (const event of batch) event.mayBeStored = true;
    const outcome = await this.#dependencies.post(
      batch.map((event) => event.line),
      this.#dependencies.giveUp,
    );
    for (const [index, event] of batch.entries()) event.mayBeStored = before[index] ?? false;
    if (outcome.tooLarge && batch.length > 1) return this.#sendHalves(batch);
    for (const [index, event] of batch.entries()) {
      const item = outcome.items[index];
      if (item) event.take(item);
    }
    return { events: batch, outcome };
  }

  /** The receiver takes less than `batch` allows. One half after the other: what the first leaves must not be overtaken. */
  async #sendHalves(batch: readonly PendingEvent[]): Promise<Rest> {
    const middle = Math.ceil(batch.length / 2);
    const first = await this.#send(batch.slice(0, middle));
    const left = first.events.filter((event) => !event.isSettled);
    if (left.length > 0) return { events: [...left, ...batch.slice(middle)], outcome: first.outcome };
    return this.#send(batch.slice(middle));
  }

  async #pause(failures: number, events: number, outcome: BatchOutcome): Promise<void> {
    const { settings, giveUp, random } = this.#dependencies;
    if (giveUp.aborted) return;
    const delayMs = retryDelay(failures, outcome.retryAfterMs, settings, random);
    const { onRetry } = settings;
    const info = { events, failures, delayMs, status: outcome.status, reason: reasonOf(outcome) };
    // A mistake in somebody's hook is theirs to see, and must not end the sending.
    if (onRetry) queueMicrotask(() => onRetry(info));
    await new Promise<void>((resolve) => {
      const end = () => {
        clearTimeout(timer);
        giveUp.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, delayMs);
      giveUp.addEventListener('abort', end);
    });
  }
}

function reasonOf({ items, status }: BatchOutcome): string {
  const item = items.find(({ kind }) => kind === 'again');
  if (item?.kind !== 'again') return `HTTP status ${status}`;
  if (item.problem) return item.problem.detail ?? `HTTP status ${status}`;
  return item.cause instanceof Error ? item.cause.message : String(item.cause);
}
