import type { RecordItem, RecordParts } from '@kero/events';
import type { Client } from './authorize.ts';
import type { Refusal } from './http-problems.ts';

/** What the sender of an item is told that is no event. */
export function refusalOfItem({ kind, problems }: RecordItem & { ok: false }): Refusal {
  if (kind === 'schema_not_loaded') return SCHEMA_UNAVAILABLE;
  // That is no fault of the event: its sender should keep it until the schema is repaired.
  if (problems.some(({ code }) => code === 'schema_failed')) return SCHEMA_UNAVAILABLE;
  const [first] = problems;
  switch (first?.code) {
    case 'empty_body':
    case 'byte_order_mark':
    case 'invalid_utf8':
    case 'event_too_large':
      return { code: first.code, detail: first.detail, errors: problems };
    default:
  }
  if (first?.code === 'not_an_array') return { code: 'invalid_event', detail: first.detail, errors: problems };
  if (kind === 'syntax') return { code: 'invalid_json', detail: first?.detail ?? '', errors: problems };
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
  return { code: 'invalid_event', detail: `The event has ${count}; errors lists them.`, errors: problems };
}

/** Undefined when this client may send events of this source. */
export function refusalOfSource({ source }: RecordParts, { sources }: Client): Refusal | undefined {
  return sources === undefined || sources.has(source) ? undefined : SOURCE_NOT_ALLOWED;
}

const SCHEMA_UNAVAILABLE: Refusal = {
  code: 'schemas_unavailable',
  detail: 'The schema of this event type cannot be had at the moment. Send the same event again.',
};

const SOURCE_NOT_ALLOWED: Refusal = {
  code: 'source_not_allowed',
  detail: 'The source of this event is none of those that this key or token may send for.',
};
