import { errorFactory, type KeroError } from '@kero/runtime';

/** Errors of the log, the same for every driver. */
export const messagingErrors = {
  log_unavailable: {
    retryable: true,
    meaning: 'The log did not confirm in time, or cannot be reached. The record may or may not be in it.',
    remedy: 'Send the same record again. If it lasts, look at the brokers (or the disk of the embedded log).',
  },
  log_overloaded: {
    retryable: true,
    meaning: 'Too many records are waiting for the log; this one was not given to it.',
    remedy: 'Send it again later, more slowly.',
  },
  record_too_large: {
    retryable: false,
    meaning: 'The record is larger than the log takes. It was not stored.',
    remedy: 'Send a smaller event, or raise the limit of the topic (max.message.bytes) and EVENTS_MAX_BYTES.',
  },
  log_refused: {
    retryable: false,
    meaning: 'The log refused the record for good (authorization, an invalid record). It was not stored.',
    remedy: 'Read the message: the rights of this client on the topic, or a bug.',
  },
  log_closed: {
    retryable: true,
    meaning: 'This process is stopping and takes no more records. The record was not given to the log.',
    remedy: 'Send it again to a running receiver.',
  },
  log_unusable: {
    retryable: false,
    meaning:
      'The file of the embedded log cannot be used: a newer Kero wrote it, it is damaged, or it cannot be opened.',
    remedy: 'Read the message; restore the folder from a backup, or move it away to begin a new log.',
  },
  topic_missing: {
    retryable: false,
    meaning: 'The topic does not exist.',
    remedy: 'Create it with your Kafka tools, or set KAFKA_TOPIC_CREATE=true to let Kero create it.',
  },
  topic_unsafe: {
    retryable: false,
    meaning: 'The topic is configured in a way that would lose events.',
    remedy: 'Change the named topic setting; docs/guarantees.md tells why each one matters.',
  },
  log_left_behind: {
    retryable: false,
    meaning: 'Kero was told to use Kafka while its embedded log still holds events that were accepted and not stored.',
    remedy:
      'Run `kero start` once without KAFKA_BOOTSTRAP_SERVERS until they are stored; or, to give them up, remove the named folder.',
  },
  offset_out_of_range: {
    retryable: false,
    meaning: 'The records that this group would read next are gone from the log. The partition stands still.',
    remedy:
      'Find out what was lost (retention shorter than the outage?): `kero offsets show`. Then `kero offsets skip-gap` goes on at the log start.',
  },
  records_undecodable: {
    retryable: false,
    meaning:
      'What the log holds at an offset cannot be decoded: it is damaged on the disk of the broker, or written in a way that is not known here. The partition stands still.',
    remedy:
      'Where another replica is whole, make it the leader and restart the processor. Else stop the processors and move the offset of the group behind the batch; what it holds is lost.',
  },
} as const;

export type MessagingErrorCode = keyof typeof messagingErrors;

export const messagingError = errorFactory<MessagingErrorCode>(messagingErrors);

/** What Producer.append rejects with: which records failed, and why. Records that are not named are durable. */
export class AppendError extends Error {
  /** By index in the call's array; at least one. */
  readonly failures: ReadonlyMap<number, KeroError<MessagingErrorCode>>;
  /** When it makes sense to try again, in milliseconds from now; undefined when nobody knows. */
  readonly retryAfterMs: number | undefined;

  constructor(
    failures: ReadonlyMap<number, KeroError<MessagingErrorCode>>,
    { retryAfterMs }: { readonly retryAfterMs?: number } = {},
  ) {
    const first = failures.values().next().value;
    super(`${failures.size} records were not confirmed, the first because: ${first?.message}`, { cause: first });
    this.name = 'AppendError';
    this.failures = failures;
    this.retryAfterMs = retryAfterMs;
  }
}
