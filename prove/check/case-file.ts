import type { ContentLine, Outcome } from '../ledger-format.ts';
import type { DeadLetterRow, EventRow, Evidence, LedgerEntry, LogRecordSeen } from './evidence.ts';
import { canonicalJson } from './exact-json.ts';
import { type ExpectedEvent, expectedEvent } from './expected-event.ts';

export interface Case {
  readonly entry: LedgerEntry;
  readonly content: ContentLine;
  /** ok when any attempt was; no when every known one was refused; else unknown. */
  readonly outcome: Outcome;
  /** For every class that is an event. */
  readonly expected: ExpectedEvent | undefined;
  /** Records of the log with exactly this body, in the order of partition and offset. */
  readonly records: LogRecordSeen[];
}

/** The evidence, sorted so that every check finds what belongs together. */
export interface CaseFile {
  readonly evidence: Evidence;
  readonly cases: readonly Case[];
  readonly byContent: ReadonlyMap<number, Case>;
  readonly byBody: ReadonlyMap<string, Case>;
  /** By identity: all contents that claim to be the same event. */
  readonly byId: ReadonlyMap<string, readonly Case[]>;
  readonly rowsById: ReadonlyMap<string, readonly EventRow[]>;
  readonly lettersByPlace: ReadonlyMap<string, DeadLetterRow>;
  readonly recordByPlace: ReadonlyMap<string, LogRecordSeen>;
}

export function place(at: { readonly partition: number; readonly offset: number }): string {
  return `${at.partition}/${at.offset}`;
}

export function openCases(evidence: Evidence): CaseFile {
  const cases = evidence.ledger.map((entry): Case => {
    const isEvent = entry.content.class !== 'invalid' && entry.content.class !== 'garbage';
    return {
      entry,
      content: entry.content,
      outcome: outcomeOf(entry),
      expected: isEvent ? expectedEvent(entry.content) : undefined,
      records: [],
    };
  });
  const byBody = new Map(cases.map((it) => [it.content.body, it]));
  for (const record of evidence.log) {
    if (record.value !== null) byBody.get(record.value)?.records.push(record);
  }
  return {
    evidence,
    cases,
    byContent: new Map(cases.map((it) => [it.content.content, it])),
    byBody,
    byId: groupBy(
      cases.filter((it) => it.expected),
      (it) => it.expected?.id ?? '',
    ),
    rowsById: groupBy(evidence.events, ({ id }) => id),
    lettersByPlace: new Map(evidence.deadLetters.map((letter) => [place(letter), letter])),
    recordByPlace: new Map(evidence.log.map((record) => [place(record), record])),
  };
}

function outcomeOf({ sent }: LedgerEntry): Outcome {
  if (sent.some(({ outcome }) => outcome?.outcome === 'ok')) return 'ok';
  return sent.length > 0 && sent.every(({ outcome }) => outcome?.outcome === 'no') ? 'no' : 'unknown';
}

/** What differs between a row and what was sent, or undefined. */
export function difference(row: EventRow, expected: ExpectedEvent): string | undefined {
  const pairs: readonly [string, string | null, string | null][] = [
    ['id', row.id, expected.id],
    ['user_id', row.userId, expected.userId],
    ['event_type', row.eventType, expected.eventType],
    ['event_timestamp', row.micros, expected.micros],
    ['source', row.source, expected.source],
    ['event_id', row.eventId, expected.eventId],
    ['event_data', canonicalJson(row.eventData), expected.eventData],
  ];
  const wrong = pairs.find(([, stored, sent]) => stored !== sent);
  return wrong && `${wrong[0]} is ${cut(wrong[1])}, sent was ${cut(wrong[2])}`;
}

function cut(text: string | null): string {
  return text === null ? 'null' : text.length > 300 ? `${text.slice(0, 300)}...` : text;
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group) group.push(item);
    else groups.set(key(item), [item]);
  }
  return groups;
}
