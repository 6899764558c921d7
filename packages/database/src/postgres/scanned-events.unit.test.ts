import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { StoreEvent } from '../event-store.ts';
import { encodeRows } from './copy-events.ts';
import { CopyBuffer } from './copy-in.ts';
import { RecentIds } from './recent-ids.ts';
import { sortEvents } from './sort-events.ts';

/** Texts on both sides of every length from which bytes are copied in another way; few times and ids, so that keys are equal often. */
const text = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }),
  fc.constantFrom('u-1', 'ä🦊', 'x'.repeat(36), 'x'.repeat(37), 'x'.repeat(256)),
);
const event = fc.record({
  id: fc.uint8Array({ minLength: 2, maxLength: 2, max: 1 }).map((bytes) => Buffer.concat([Buffer.alloc(14, 7), bytes])),
  userId: text,
  eventType: text,
  timestampMicros: fc.constantFrom(0, 1_700_000_000_000_000, 1_700_000_000_000_001),
  eventData: text.map((value) => Buffer.from(JSON.stringify({ value }))),
  source: text,
  eventId: fc.option(text, { nil: undefined }),
});
const batch = fc.array(event, { maxLength: 40 }).map((events) =>
  events.map((members, index): StoreEvent => {
    const record = {
      offset: BigInt(index),
      key: null,
      value: null,
      headers: [],
      receivedAtMicros: 1_700_000_000_000_000,
    };
    return { ...members, record };
  }),
);

describe('events that say where their members stand', () => {
  test('become the rows that they become without it', () => {
    fc.assert(
      fc.property(batch, (events) => {
        assert.deepEqual(rowsOf(events.map(withSpans)), rowsOf(events));
      }),
    );
  });

  test('are sorted as they are without it, also among others', () => {
    let repeated = 0;
    fc.assert(
      fc.property(batch, (events) => {
        const expected = offsetsOf(events);
        assert.deepEqual(offsetsOf(events.map(withSpans)), expected);
        assert.deepEqual(offsetsOf(events.map((it, index) => (index % 2 ? withSpans(it) : it))), expected);
        const keys = expected.events.map((offset) => keyOf(events[Number(offset)] as StoreEvent));
        assert.deepEqual(keys, [...new Set(events.map(keyOf))].sort(), 'each key once, in order');
        repeated += expected.twins.length;
      }),
    );
    assert.ok(repeated > 50, `only ${repeated} keys came twice: the property shows nothing`);
  });
});

/** The members stand in one text, with other bytes around them, and nowhere else. */
function withSpans({
  id,
  userId,
  eventType,
  timestampMicros,
  eventData,
  source,
  eventId,
  record,
}: StoreEvent): StoreEvent {
  let bytes = Buffer.from('{');
  const append = (member: string | Buffer) => {
    const start = bytes.length;
    bytes = Buffer.concat([bytes, Buffer.from(member), Buffer.from('",')]);
    return [start, bytes.length - 2] as const;
  };
  const [dataStart, dataEnd] = append(eventData);
  const [userIdStart, userIdEnd] = append(userId);
  const [eventTypeStart, eventTypeEnd] = append(eventType);
  const [eventIdStart, eventIdEnd] = eventId === undefined ? [0, 0] : append(eventId);
  const members = {
    userIdStart,
    userIdEnd,
    eventTypeStart,
    eventTypeEnd,
    eventIdStart,
    eventIdEnd,
    dataStart,
    dataEnd,
  };
  const spans = { ...members, bytes, writeId: (to: Buffer, start: number) => void id.copy(to, start) };
  return { id, userId, eventType, timestampMicros, eventData, source, eventId, record, spans };
}

function rowsOf(events: readonly StoreEvent[]): Buffer {
  const bytes: Buffer[] = [];
  for (const chunk of encodeRows(
    events,
    () => 3,
    (minBytes) => new CopyBuffer(Math.max(2_000, minBytes)),
  )) {
    bytes.push(chunk.subarray('d....'.length));
  }
  return Buffer.concat(bytes);
}

function offsetsOf(events: readonly StoreEvent[]) {
  const offset = ({ record }: StoreEvent) => record.offset;
  const sorted = sortEvents(events, new RecentIds());
  return {
    events: sorted.events.map(offset),
    repeats: sorted.repeats.map(([first, repeat]) => [offset(first), offset(repeat)]),
    twins: sorted.twins.map(offset),
  };
}

function keyOf({ timestampMicros, id }: StoreEvent): string {
  return `${String(timestampMicros).padStart(16, '0')} ${id.toString('hex')}`;
}
