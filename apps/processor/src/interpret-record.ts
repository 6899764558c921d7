import { isUtf8 } from 'node:buffer';
import type { DeadLetter, DeadLetterReason, StoreEvent, StoreRecord } from '@kero/database';
import {
  type Event,
  type EventSettings,
  type Problem,
  parseEvent,
  parseTimestamp,
  type TypeSchemas,
} from '@kero/events';
import type { LogRecord } from '@kero/messaging';
import { rememberLast } from './remember-last.ts';

/**
 * What one log record turns into. Every record turns into exactly one of the first three, which is why the counts add up;
 * `schema_not_loaded` is no end: the schema of its type has to be fetched, and then the record is read again.
 */
export type Interpreted =
  | { readonly kind: 'event'; readonly event: StoreEvent }
  | { readonly kind: 'dead_letter'; readonly letter: DeadLetter }
  | { readonly kind: 'skipped' }
  | { readonly kind: 'schema_not_loaded'; readonly eventType: string };

export interface InterpretOptions {
  readonly eventSettings: EventSettings;
  readonly stores: (eventType: string) => boolean;
  /** For records that no receiver has checked. */
  readonly typeSchemas: TypeSchemas;
  /** Unix milliseconds. */
  readonly nowMs: number;
}

/** The problems a dead letter names; more would only repeat themselves. */
const MAX_PROBLEMS_IN_DETAIL = 20;
const MAX_SOURCE_LENGTH = 256;
/** bigint of PostgreSQL. */
const MAX_DEAD_LETTER_ID = 2n ** 63n - 1n;

/**
 * Reads one record as an event (design: docs/architecture.md, "The log record"). A record with `kero-*` headers was checked
 * by a receiver: its structure and identity are checked again, the schema of its type is not, and "not in the future" is
 * measured against the moment it was received. A record of another program is checked like a request.
 */
export function interpretRecord(record: LogRecord, options: InterpretOptions): Interpreted {
  const headers = readKeroHeaders(record);
  const receivedAtMicros = headers.receivedAtMicros ?? receivedAtOfLog(record, options.nowMs) * 1000;
  const dead = (reason: DeadLetterReason, detail: string, id?: Buffer): Interpreted => ({
    kind: 'dead_letter',
    letter: {
      id: id ?? (headers.id && parseUuid(headers.id)),
      reason,
      detail,
      record: new KeptRecord(record, receivedAtMicros, headers.replayOf),
    },
  });

  const { value } = record;
  if (value === null) return dead('not_an_event', 'a tombstone: the record has a key and no value');
  const fromReceiver = headers.receivedAtMicros !== undefined;
  const parsed = parseEvent(value, {
    nowMs: fromReceiver ? Math.floor(receivedAtMicros / 1000) : options.nowMs,
    maxFutureMs: options.eventSettings.maxFutureMs,
    retentionMs: undefined,
    maxBytes: fromReceiver ? Number.POSITIVE_INFINITY : options.eventSettings.maxBytes,
    defaultSource: headers.source?.text ?? 'default',
    typeSchemas: fromReceiver ? undefined : options.typeSchemas,
  });
  if (!parsed.ok) {
    if (parsed.kind === 'schema_not_loaded') return { kind: parsed.kind, eventType: parsed.eventType };
    const isObject =
      parsed.kind === 'event' &&
      !parsed.problems.some(({ pointer, code }) => pointer === '' && code === 'not_an_object');
    return dead(isObject ? 'invalid' : 'not_an_event', describeProblems(parsed.problems));
  }
  const { event } = parsed;
  if (headers.source?.isSource === false && event.source === headers.source.text) {
    return dead('invalid', `the header kero-source is not a text of 1 to ${MAX_SOURCE_LENGTH} characters`);
  }
  const { retentionMs } = options.eventSettings;
  // Against today's clock, not the time of receipt: its partition may be dropped already, and must not be made again.
  if (retentionMs !== undefined && event.timestampMicros / 1000 < options.nowMs - retentionMs) {
    return dead('expired', 'event_timestamp is older than EVENTS_RETENTION', event.id);
  }
  if (!options.stores(event.eventType)) return { kind: 'skipped' };
  return { kind: 'event', event: new KeptEvent(event, record, receivedAtMicros, headers.replayOf) };
}

/** Without a receiver the log's own time counts; a client's clock that runs ahead must not excuse events in the future. */
function receivedAtOfLog(record: LogRecord, nowMs: number): number {
  return record.timestampMs > 0 ? Math.min(record.timestampMs, nowMs) : nowMs;
}

/** What of a record is needed to store it. Of those that stay until they are stored nothing is copied: see PlainEvent. */
class KeptRecord implements StoreRecord {
  readonly receivedAtMicros: number;
  readonly replayOf: bigint | undefined;
  readonly #record: LogRecord;

  constructor(record: LogRecord, receivedAtMicros: number, replayOf: bigint | undefined) {
    this.receivedAtMicros = receivedAtMicros;
    this.replayOf = replayOf;
    this.#record = record;
  }

  get offset(): bigint {
    return this.#record.offset;
  }

  get key(): Buffer | null {
    return this.#record.key;
  }

  get value(): Buffer | null {
    return this.#record.value;
  }

  get headers(): StoreRecord['headers'] {
    return this.#record.headers;
  }
}

/** An event and its record in one, as there are thousands of them at a time. */
class KeptEvent extends KeptRecord implements StoreEvent {
  readonly #event: Event;

  constructor(event: Event, record: LogRecord, receivedAtMicros: number, replayOf: bigint | undefined) {
    super(record, receivedAtMicros, replayOf);
    this.#event = event;
  }

  get record(): StoreRecord {
    return this;
  }

  get id(): Buffer {
    return this.#event.id;
  }

  get userId(): string {
    return this.#event.userId;
  }

  get eventType(): string {
    return this.#event.eventType;
  }

  get timestampMicros(): number {
    return this.#event.timestampMicros;
  }

  get eventData(): Buffer {
    return this.#event.eventData;
  }

  get source(): string {
    return this.#event.source;
  }

  get eventId(): string | undefined {
    return this.#event.eventId;
  }

  get spans(): StoreEvent['spans'] {
    return this.#event.spans;
  }
}

interface KeroHeaders {
  /** As it was sent: only a dead letter has use for it. */
  readonly id: Buffer | undefined;
  readonly source: { readonly text: string; readonly isSource: boolean } | undefined;
  readonly receivedAtMicros: number | undefined;
  readonly replayOf: bigint | undefined;
}

function readKeroHeaders(record: LogRecord): KeroHeaders {
  let id: Buffer | undefined;
  let source: KeroHeaders['source'];
  let receivedAtMicros: number | undefined;
  let replayOf: bigint | undefined;
  for (const [name, value] of record.headers) {
    if (name === 'kero-source') source = readSource(value);
    else if (name === 'kero-id') id = value;
    else if (name === 'kero-received-at') receivedAtMicros = readMicros(value);
    else if (name === 'kero-replay-of') replayOf = parseDeadLetterId(value.toString('latin1'));
  }
  return { id, source, receivedAtMicros, replayOf };
}

const readSource = rememberLast((value) => {
  const text = isUtf8(value) ? value.toString('utf8') : '';
  return { text, isSource: isSource(text) };
});

const readMicros = rememberLast((value) => {
  const parsed = parseTimestamp(value.toString('latin1'));
  return parsed.ok ? parsed.micros : undefined;
});

function parseUuid(bytes: Buffer): Buffer | undefined {
  const text = bytes.toString('latin1');
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)
    ? Buffer.from(text.replaceAll('-', ''), 'hex')
    : undefined;
}

/** Undefined for what cannot be one: the header is not ours alone. Whether there is such a letter, the store finds out. */
function parseDeadLetterId(text: string): bigint | undefined {
  const id = /^[1-9]\d{0,18}$/.test(text) ? BigInt(text) : undefined;
  return id !== undefined && id <= MAX_DEAD_LETTER_ID ? id : undefined;
}

function isSource(text: string): boolean {
  const length = [...text].length;
  return length >= 1 && length <= MAX_SOURCE_LENGTH && !text.includes('\u0000');
}

function describeProblems(problems: readonly Problem[]): string {
  const lines = problems
    .slice(0, MAX_PROBLEMS_IN_DETAIL)
    .map(({ pointer, code, detail }) => `${pointer || '(event)'}: ${detail} [${code}]`);
  if (problems.length > lines.length) lines.push(`and ${problems.length - lines.length} more`);
  return lines.join('; ');
}
