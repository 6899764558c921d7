import type { StoreEvent } from '../event-store.ts';

/** A batch in the order in which it is written. */
export interface SortedEvents {
  /** Sorted by key, then offset. What is in `repeats` is left out. */
  readonly events: readonly StoreEvent[];
  /** Events that are equal, byte for byte, to the first one with their id: [that one, this one]. */
  readonly repeats: readonly (readonly [first: StoreEvent, repeat: StoreEvent])[];
  /** True when an id still occurs twice, with content that only PostgreSQL can compare. */
  readonly hasTwins: boolean;
}

/**
 * Brings events into the order of the primary key. Writers that take rows in different orders wait for each other in a
 * circle (a deadlock in 10 of 10 rounds); in the same order never.
 */
export function sortEvents(batch: readonly StoreEvent[]): SortedEvents {
  const sorted = [...batch].sort((a, b) => compareEvents(a, b));
  const events: StoreEvent[] = [];
  const repeats: [StoreEvent, StoreEvent][] = [];
  let hasTwins = false;
  let firstOfId = 0;
  for (const event of sorted) {
    const first = events[firstOfId];
    if (first === undefined || !sameKey(first, event)) {
      firstOfId = events.length;
      events.push(event);
      continue;
    }
    // Only with the first one: that keeps this linear, and PostgreSQL tells the others apart all the same.
    if (sameBytes(first, event)) {
      repeats.push([first, event]);
    } else {
      hasTwins = true;
      events.push(event);
    }
  }
  return { events, repeats, hasTwins };
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
