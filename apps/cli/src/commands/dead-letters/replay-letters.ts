import type { DeadLetterStatus, DeadLetterStore, StoredDeadLetter } from '@kero/database';
import { AppendError, type NewRecord, type Producer } from '@kero/messaging';
import { backoffMs, describeError, isKeroError, sleep } from '@kero/runtime';
import type { Pacer } from '../../pacer.ts';
import { replayRecord } from './replay-record.ts';

const APPEND_DEADLINE_MS = 10_000;
const BACKOFF = { firstMs: 200, maxMs: 3000 };

export interface ReplayDeps {
  readonly producer: Pick<Producer, 'append'>;
  readonly deadLetters: Pick<DeadLetterStore, 'setStatus'>;
  readonly pacer: Pacer;
  readonly stop: AbortSignal;
  /** How long an outage of the log or the database is waited for, in milliseconds. */
  readonly patienceMs: number;
  /** The statuses that letters may have to be set to `replayed`. */
  readonly from: readonly DeadLetterStatus[];
  readonly onReplayed: (letters: number) => void;
}

export interface ReplayOutcome {
  replayed: number;
  readonly notReplayed: { readonly deadLetterId: bigint; readonly reason: string }[];
  /** Set when it ended before all letters had their turn. */
  stopped: string | undefined;
}

/**
 * Appends the letters again, page by page, and sets the status of those that the log has confirmed. In this order, because the
 * other way round a crash in between would lose the event; this way it is appended once more by the next replay, and its
 * identity makes that a repeat.
 */
export async function replayLetters(
  pages: AsyncIterable<readonly StoredDeadLetter[]>,
  pageSize: number,
  deps: ReplayDeps,
): Promise<ReplayOutcome> {
  const outcome: ReplayOutcome = { replayed: 0, notReplayed: [], stopped: undefined };
  for await (const page of pages) {
    for (let at = 0; at < page.length; at += pageSize) {
      if (deps.stop.aborted) {
        outcome.stopped = 'it was told to stop';
        return outcome;
      }
      try {
        await replayRun(page.slice(at, at + pageSize), outcome, deps);
      } catch (error) {
        if (!isKeroError(error)) throw error;
        outcome.stopped = describeError(error);
        return outcome;
      }
    }
  }
  return outcome;
}

/** Rejects with the outage that lasted too long. */
async function replayRun(
  letters: readonly StoredDeadLetter[],
  outcome: ReplayOutcome,
  deps: ReplayDeps,
): Promise<void> {
  const sendable: { readonly deadLetterId: bigint; readonly record: NewRecord }[] = [];
  for (const letter of letters) {
    const { deadLetterId } = letter;
    const replay = replayRecord(letter);
    if (replay.possible) sendable.push({ deadLetterId, record: replay.record });
    else outcome.notReplayed.push({ deadLetterId, reason: replay.reason });
  }
  await deps.pacer.waitFor(sendable.length, deps.stop);
  if (sendable.length === 0 || deps.stop.aborted) return;
  let waiting = sendable;
  const confirmed: bigint[] = [];
  let outage: unknown;
  try {
    await patiently(deps, async () => {
      const failures = await append(waiting, deps.producer);
      for (const [index, { deadLetterId }] of waiting.entries()) {
        const failure = failures.get(index);
        if (!failure) confirmed.push(deadLetterId);
        else if (!failure.retryable) outcome.notReplayed.push({ deadLetterId, reason: failure.message });
      }
      waiting = waiting.filter((_, index) => failures.get(index)?.retryable);
      for (const failure of failures.values()) if (failure.retryable) throw failure;
    });
  } catch (error) {
    outage = error;
  }
  // Also when others of this run could not be appended: these are in the log.
  if (confirmed.length > 0) {
    await patiently(deps, () => deps.deadLetters.setStatus(confirmed, { from: deps.from, to: 'replayed' }));
    outcome.replayed += confirmed.length;
    deps.onReplayed(confirmed.length);
  }
  if (outage !== undefined) throw outage;
}

async function append(
  letters: readonly { readonly record: NewRecord }[],
  producer: Pick<Producer, 'append'>,
): Promise<AppendError['failures']> {
  try {
    const records = letters.map(({ record }) => record);
    await producer.append(records, { deadlineMs: APPEND_DEADLINE_MS });
    return new Map();
  } catch (error) {
    if (error instanceof AppendError) return error.failures;
    throw error;
  }
}

/** Does it again while it fails with an outage, for as long as the patience lasts and nobody says stop. */
async function patiently<T>({ patienceMs, stop }: ReplayDeps, work: () => Promise<T>): Promise<T> {
  const giveUpAt = performance.now() + patienceMs;
  for (let attempt = 0; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!isKeroError(error) || !error.retryable || stop.aborted || performance.now() > giveUpAt) throw error;
      await sleep(backoffMs(attempt, BACKOFF), stop);
    }
  }
}
