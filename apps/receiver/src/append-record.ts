import { AppendError, messagingError, type NewRecord, type Producer } from '@kero/messaging';
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
export async function appendRecord(
  producer: Producer,
  record: NewRecord,
  deadlineMs: number,
): Promise<AppendFailure | undefined> {
  return new Promise((resolve) => {
    const onDeadline = () => {
      const message = `the log did not answer within ${deadlineMs} ms (RECEIVER_DEADLINE)`;
      resolve(failureOf(new AppendError(new Map([[0, messagingError('log_unavailable', message)]]))));
    };
    const timer = setTimeout(onDeadline, deadlineMs);
    producer.append([record], { deadlineMs }).then(
      () => {
        clearTimeout(timer);
        resolve(undefined);
      },
      (error: unknown) => {
        clearTimeout(timer);
        resolve(failureOf(error));
      },
    );
  });
}

function failureOf(error: unknown): AppendFailure {
  const failure = error instanceof AppendError ? error.failures.get(0) : undefined;
  // A rejection that names no record of this call is outside the contract of Producer: a fault of ours.
  if (!failure) return { refusal: { code: 'internal_error', detail: INTERNAL_DETAIL }, cause: error };
  const code =
    failure.code in problemOfAppend ? problemOfAppend[failure.code as keyof typeof problemOfAppend] : 'log_unavailable';
  const refusal: Refusal = { code, detail: DETAILS[code] };
  const { retryAfterMs } = error as AppendError;
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
