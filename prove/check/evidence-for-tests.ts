import type { ContentClass, ContentLine, Outcome } from '../ledger-format.ts';
import type {
  CommitSeen,
  DeadLetterRow,
  Draining,
  EventRow,
  Evidence,
  LedgerEntry,
  LogRecordSeen,
  ProcessSeen,
} from './evidence.ts';
import { expectedEvent } from './expected-event.ts';

/** 2025-10-07T10:00:00Z */
const MICROS = '1759831200000000';
const STORED_AT = 1_000_000;

/**
 * A small, healthy run that tests then damage: what is sent here is answered, is in the log, in a table and committed, until
 * a test takes something away.
 */
export class SmallRun {
  readonly ledger: LedgerEntry[] = [];
  readonly events: EventRow[] = [];
  readonly deadLetters: DeadLetterRow[] = [];
  readonly log: LogRecordSeen[] = [];
  readonly commits: CommitSeen[] = [];
  readonly processes: ProcessSeen[] = [
    { name: 'kero start', peakBytes: 100 * 1024 ** 2, exits: [], slowStops: [], alarms: [], lastWords: [] },
  ];
  draining: Draining = {
    limitS: 60,
    unknownsSettledS: 1,
    drainedS: 2,
    readyS: 1,
    probeStoredS: 0.1,
    probeLimitS: 15,
    left: '',
    progress: [{ partition: 0, committed: 0, end: 0 }],
  };

  /** Adds a content, an attempt and its outcome; nothing of it is in the log. */
  send(marker: string, options: { class?: ContentClass; outcome?: Outcome; body?: string; seq?: number } = {}) {
    const content: ContentLine = {
      line: 'content',
      content: this.ledger.length + 1,
      class: options.class ?? 'new',
      kind: 'purchase',
      marker,
      user: 'user-1',
      micros: MICROS,
      body: options.body ?? bodyOf(marker),
      ...(options.seq === undefined ? {} : { seq: options.seq }),
    };
    const attempt = this.ledger.length + 1;
    const outcome = options.outcome ?? 'ok';
    this.ledger.push({
      content,
      sent: [
        {
          attempt: { line: 'attempt', attempt, content: content.content, purpose: 'first', via: 'receiver', at: 1000 },
          outcome: {
            line: 'outcome',
            attempt,
            outcome,
            at: 1010,
            ...(outcome === 'ok' ? { status: 202, id: expectedEvent(content).id } : {}),
            ...(outcome === 'no' ? { status: 422, why: 'invalid_event' } : {}),
          },
        },
      ],
    });
    return content;
  }

  /** Appends to the log and commits the offset after it. */
  append(content: Pick<ContentLine, 'body'>, partition = 0): LogRecordSeen {
    const offset = this.log.filter((record) => record.partition === partition).length;
    const record = { partition, offset, key: 'user-1', value: content.body, headers: [] };
    this.log.push(record);
    this.commits.push({ partition, offset: offset + 1, at: STORED_AT + 10 });
    this.draining = { ...this.draining, progress: [{ partition, committed: offset + 1, end: offset + 1 }] };
    return record;
  }

  store(content: ContentLine, record: LogRecordSeen, changes: Partial<EventRow> = {}): EventRow {
    const { id, userId, eventType, micros, eventData, source, eventId } = expectedEvent(content);
    const { partition, offset } = record;
    const row = { id, userId, eventType, micros, eventData, source, eventId, partition, offset, storedAt: STORED_AT };
    this.events.push({ ...row, ...changes });
    return row;
  }

  bury(record: LogRecordSeen, changes: Partial<DeadLetterRow> = {}): void {
    this.deadLetters.push({
      deadLetterId: String(this.deadLetters.length + 1),
      id: null,
      reason: 'not_an_event',
      detail: 'for a test',
      payload: record.value,
      partition: record.partition,
      offset: record.offset,
      status: 'open',
      failedAt: STORED_AT,
      ...changes,
    });
  }

  /** The whole way: sent, answered, appended, stored, committed. */
  accept(marker: string, options: { seq?: number } = {}) {
    const content = this.send(marker, options);
    const record = this.append(content);
    const row = this.store(content, record);
    return { content, record, row };
  }

  evidence(): Evidence {
    return { ...this, faults: [], memoryCapBytes: 500 * 1024 ** 2 };
  }
}

export function bodyOf(marker: string, price = '19.90'): string {
  return `{"event_id":"${marker}","user_id":"user-1","event_type":"purchase","event_timestamp":"2025-10-07T10:00:00Z","event_data":{"item_id":"42","price":${price}}}`;
}
