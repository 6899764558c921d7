import { AppendError, type MessagingErrorCode, messagingError, type NewRecord, type Producer } from '@kero/messaging';
import type { KeroError } from '@kero/runtime';
import type { Deadlines } from './deadlines.ts';
import { problemOfAppend, type Refusal } from './http-problems.ts';

/** An event that is not (known to be) in the log: what the client is told, and what the log line tells. */
export interface AppendFailure {
  readonly refusal: Refusal;
  readonly cause: unknown;
}

/**
 * Resolves to undefined when the log has confirmed the record, else to why not. Never rejects, and is never later than the
 * deadline, also where a driver should not keep its own.
 */
export function appendRecord(
  producer: Producer,
  record: NewRecord,
  deadlines: Deadlines,
): Promise<AppendFailure | undefined> {
  return new Promise((resolve) => {
    append(producer, [record], deadlines, (error) => resolve(error === undefined ? undefined : failureAt(error, 0)));
  });
}

/**
 * The same for several records in one call: what failed, by the index of the record. Those that are not named are confirmed; of
 * those that are, some may be in the log all the same.
 */
export async function appendRecords(
  producer: Producer,
  records: readonly NewRecord[],
  deadlines: Deadlines,
): Promise<ReadonlyMap<number, AppendFailure>> {
  const error = await new Promise((resolve) => append(producer, records, deadlines, resolve));
  const failures = new Map<number, AppendFailure>();
  if (error === undefined) return failures;
  const named = error instanceof AppendError ? [...error.failures.keys()] : [];
  // An error that does not say which records of this call failed is outside the contract: then it may be any of them.
  const isContract = named.length > 0 && named.every((index) => records[index] !== undefined);
  const failed = isContract ? named : records.keys();
  const shared = new Map<unknown, AppendFailure>();
  for (const index of failed) {
    const cause = isContract ? (error as AppendError).failures.get(index) : error;
    let failure = shared.get(cause);
    if (!failure) {
      failure = isContract ? failureAt(error, index) : internalFailure(error);
      shared.set(cause, failure);
    }
    failures.set(index, failure);
  }
  return failures;
}

/** `onEnd` is called once, with what the call was rejected with, undefined when it was not. */
function append(
  producer: Producer,
  records: readonly NewRecord[],
  deadlines: Deadlines,
  onEnd: (error: unknown) => void,
): void {
  const { lengthMs: deadlineMs } = deadlines;
  let isOver = false;
  const deadline = deadlines.start(() => {
    isOver = true;
    const message = `the log did not answer within ${deadlineMs} ms (RECEIVER_DEADLINE)`;
    const failure = messagingError('log_unavailable', message);
    onEnd(new AppendError(new Map(records.map((_, index) => [index, failure]))));
  });
  const end = (error: unknown) => {
    deadlines.clear(deadline);
    if (!isOver) onEnd(error);
  };
  producer.append(records, { deadlineMs }).then(
    () => end(undefined),
    (error: unknown) => end(error ?? new Error('the log rejected without an error')),
  );
}

function failureAt(error: unknown, index: number): AppendFailure {
  const failure = error instanceof AppendError ? error.failures.get(index) : undefined;
  return failure ? logFailure(failure, (error as AppendError).retryAfterMs) : internalFailure(error);
}

/** A rejection that names no record of the call is outside the contract of Producer: a fault of ours. */
function internalFailure(cause: unknown): AppendFailure {
  return { refusal: { code: 'internal_error', detail: INTERNAL_DETAIL }, cause };
}

function logFailure(failure: KeroError<MessagingErrorCode>, retryAfterMs: number | undefined): AppendFailure {
  const code =
    failure.code in problemOfAppend ? problemOfAppend[failure.code as keyof typeof problemOfAppend] : 'log_unavailable';
  const refusal: Refusal = { code, detail: DETAILS[code] };
  if (retryAfterMs === undefined) return { refusal, cause: failure };
  // Whole seconds, and never "at once": that would be a loop.
  return { refusal: { ...refusal, retryAfterSeconds: Math.max(1, Math.ceil(retryAfterMs / 1000)) }, cause: failure };
}

export const INTERNAL_DETAIL =
  'The receiver failed. Whether the event was stored is not known: send the same one again; it is stored once.';

/** What a client is told. The driver's own message stays in the log line: it may name hosts. */
const DETAILS = {
  log_unavailable: 'The log did not confirm the event in time. Send the same event again; it is stored once.',
  log_overloaded: 'Too many events wait for the log. Send the same event again, later.',
  stopping: 'This receiver is stopping. Send the same event again.',
  record_too_large: 'With its headers the event is larger than the log takes (on Kafka: max.message.bytes).',
  log_refused: 'The log refused the event, and will again until an operator has looked into it.',
} as const;
