import { brokerErrors, hadNoAnswer } from './kafka-errors.ts';

/** Answers that mean: not stored, and never will be. Anything else is worth another try. */
const REFUSALS = [
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'INVALID_RECORD',
  'INVALID_TIMESTAMP',
  'TOPIC_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'UNSUPPORTED_COMPRESSION_TYPE',
  'POLICY_VIOLATION',
];
/** The leader has the records; whether they stay is open. */
const OPEN = ['REQUEST_TIMED_OUT', 'NOT_ENOUGH_REPLICAS_AFTER_APPEND'];
/** The broker does not know the sender any more, or expects another sequence of it. */
const SENDER_UNKNOWN = [
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'DUPLICATE_SEQUENCE_NUMBER',
  'UNKNOWN_PRODUCER_ID',
  'INVALID_PRODUCER_EPOCH',
  'INVALID_PRODUCER_ID_MAPPING',
  'PRODUCER_FENCED',
];

/** What is known of a batch that was not confirmed. */
export interface ProduceFailure {
  /** It may be stored all the same. */
  readonly unsure: boolean;
  /** By the broker, for good; undefined: it is worth another try. Of worth only where no try before was unsure. */
  readonly refusal: 'record_too_large' | 'log_refused' | undefined;
  /** The same batch must not go out again as the same sender. */
  readonly senderUnknown: boolean;
}

/** `error`: what the broker has answered, or why it has not. */
export function judgeFailure(error: unknown): ProduceFailure {
  const names = brokerErrors(error);
  const unsure = names.size === 0 || hadNoAnswer(error) || OPEN.some((name) => names.has(name));
  const refused = !unsure && REFUSALS.some((name) => names.has(name));
  const tooLarge = names.has('MESSAGE_TOO_LARGE') || names.has('RECORD_LIST_TOO_LARGE');
  return {
    unsure,
    refusal: refused ? (tooLarge ? 'record_too_large' : 'log_refused') : undefined,
    senderUnknown: SENDER_UNKNOWN.some((name) => names.has(name)),
  };
}
