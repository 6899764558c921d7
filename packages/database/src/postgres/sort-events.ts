import type { StoreEvent } from '../event-store.ts';
import { UUID_BYTES } from './binary.ts';
import type { RecentIds } from './recent-ids.ts';

const UUID_WORDS = UUID_BYTES / Uint32Array.BYTES_PER_ELEMENT;

/** A batch in the order in which it is written, each id once. */
export interface SortedEvents {
  /** Sorted by key; where an id occurs more than once, the first of the log. */
  readonly events: readonly StoreEvent[];
  /** Those of `events` that this process has perhaps stored before, in the same order. */
  readonly metBefore: readonly StoreEvent[];
  /** What is equal, byte for byte, to the one of `events` with its id: [that one, this one]. */
  readonly repeats: readonly (readonly [first: StoreEvent, repeat: StoreEvent])[];
  /** What has the id of one of `events` and other bytes: only PostgreSQL can tell whether the content differs. */
  readonly twins: readonly StoreEvent[];
}

/**
 * Brings events into the order of the primary key. Writers that take rows in different orders wait for each other in a
 * circle (a deadlock in 10 of 10 rounds); in the same order never.
 */
export function sortEvents(batch: readonly StoreEvent[], recent: RecentIds): SortedEvents {
  const events: StoreEvent[] = [];
  const metBefore: StoreEvent[] = [];
  const repeats: [StoreEvent, StoreEvent][] = [];
  const twins: StoreEvent[] = [];
  readKeys(batch);
  const inOrder = batch.map((_, index) => index).sort((a, b) => compareKeys(a, b) || compareOffsets(batch, a, b));
  let lastKey = -1;
  for (const index of inOrder) {
    const event = batch[index] as StoreEvent;
    const first = events.at(-1);
    if (first === undefined || compareKeys(lastKey, index) !== 0) {
      events.push(event);
      if (recent.meet(idWords, index * UUID_WORDS)) metBefore.push(event);
      lastKey = index;
    } else if (sameBytes(first, event)) repeats.push([first, event]);
    else twins.push(event);
  }
  return { events, metBefore, repeats, twins };
}

/**
 * The keys of the batch that is sorted, side by side: an event may make its id anew each time that it is asked. They stay for the
 * next batch, as memory that need not be made again.
 */
let times = new Float64Array(0);
let ids = Buffer.alloc(0);
/** The same memory. */
let idWords = new Uint32Array(0);

function readKeys(batch: readonly StoreEvent[]): void {
  const { length } = batch;
  if (times.length < length) {
    times = new Float64Array(length);
    ids = Buffer.allocUnsafeSlow(length * UUID_BYTES);
    idWords = new Uint32Array(ids.buffer);
  }
  for (let index = 0; index < length; index++) {
    const event = batch[index] as StoreEvent;
    times[index] = event.timestampMicros;
    if (event.spans) event.spans.writeId(ids, index * UUID_BYTES);
    else ids.set(event.id, index * UUID_BYTES);
  }
}

/** Of the events with these numbers in the batch: by time and id. */
function compareKeys(a: number, b: number): number {
  const difference = (times[a] as number) - (times[b] as number);
  if (difference !== 0) return difference;
  const [startA, startB] = [a * UUID_BYTES, b * UUID_BYTES];
  for (let at = 0; at < UUID_BYTES; at++) {
    const byteDifference = (ids[startA + at] as number) - (ids[startB + at] as number);
    if (byteDifference !== 0) return byteDifference;
  }
  return 0;
}

function compareOffsets(batch: readonly StoreEvent[], a: number, b: number): number {
  return (batch[a] as StoreEvent).record.offset < (batch[b] as StoreEvent).record.offset ? -1 : 1;
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
