import type { StoreEvent } from '../event-store.ts';

/** A batch in the order in which it is written, each id once. */
export interface SortedEvents {
  /** Sorted by key; where an id occurs more than once, the first of the log. */
  readonly events: readonly StoreEvent[];
  /** What is equal, byte for byte, to the one of `events` with its id: [that one, this one]. */
  readonly repeats: readonly (readonly [first: StoreEvent, repeat: StoreEvent])[];
  /** What has the id of one of `events` and other bytes: only PostgreSQL can tell whether the content differs. */
  readonly twins: readonly StoreEvent[];
}

/**
 * Brings events into the order of the primary key. Writers that take rows in different orders wait for each other in a
 * circle (a deadlock in 10 of 10 rounds); in the same order never.
 */
export function sortEvents(batch: readonly StoreEvent[]): SortedEvents {
  const events: StoreEvent[] = [];
  const repeats: [StoreEvent, StoreEvent][] = [];
  const twins: StoreEvent[] = [];
  for (const event of [...batch].sort(compareEvents)) {
    const first = events.at(-1);
    if (first === undefined || !sameKey(first, event)) events.push(event);
    else if (sameBytes(first, event)) repeats.push([first, event]);
    else twins.push(event);
  }
  return { events, repeats, twins };
}

function compareEvents(a: StoreEvent, b: StoreEvent): number {
  if (a.timestampMicros !== b.timestampMicros) return a.timestampMicros - b.timestampMicros;
  const ids = a.id.compare(b.id);
  if (ids !== 0) return ids;
  return a.record.offset < b.record.offset ? -1 : 1;
}

function sameKey(a: StoreEvent, b: StoreEvent): boolean {
  return a.timestampMicros === b.timestampMicros && a.id.equals(b.id);
}

function sameBytes(a: StoreEvent, b: StoreEvent): boolean {
  return (
    a.userId === b.userId &&
    a.eventType === b.eventType &&
    a.source === b.source &&
    a.eventId === b.eventId &&
    a.eventData.equals(b.eventData)
  );
}
