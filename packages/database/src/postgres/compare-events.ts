import type { ClientBase } from 'pg';
import type { StoreEvent } from '../event-store.ts';
import { elementTypes, encodeArray, encodeTimestamp } from './binary.ts';

/** How an event compares with the row that is stored under its id. */
export type Comparison =
  | { readonly event: StoreEvent; readonly outcome: 'redelivered' | 'duplicate' }
  | { readonly event: StoreEvent; readonly outcome: 'conflict'; readonly detail: string }
  /** There is no such row (any more: retention, or somebody deleted it). */
  | { readonly event: StoreEvent; readonly outcome: 'absent' };

/**
 * PostgreSQL compares, because only it knows when two jsonb are equal (19.90 = 19.9, member order). For `lateral ... limit 1`
 * and the range on event_timestamp see find-stored.ts.
 */
const COMPARE_EVENTS = `
select given.log_offset, stored.id is not null as found, stored.log_partition, stored.log_offset,
  concat_ws(', ',
    case when stored.user_id <> given.user_id then 'user_id' end,
    case when stored.event_type <> given.event_type then 'event_type' end,
    case when stored.source <> given.source then 'source' end,
    case when stored.event_id is distinct from given.event_id then 'event_id' end,
    case when stored.event_data <> given.event_data then 'event_data' end) as differing
from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::jsonb[], $6::text[], $7::text[], $8::bigint[])
  as given (id, user_id, event_type, event_timestamp, event_data, source, event_id, log_offset)
left join lateral (
  select * from public.events as stored
  where stored.event_timestamp = given.event_timestamp and stored.id = given.id
    and stored.event_timestamp between $9::timestamptz and $10::timestamptz
  limit 1
) as stored on true`;

type Compared = [offset: string, found: boolean, storedPartition: number, storedOffset: string, differing: string];

/** Tells duplicates, redeliveries and conflicts apart, for events whose id may be stored. */
export async function compareEvents(
  client: ClientBase,
  events: readonly StoreEvent[],
  logPartition: number,
): Promise<Comparison[]> {
  const times = events.map((event) => event.timestampMicros);
  const compared = await client.query<Compared>({
    text: COMPARE_EVENTS,
    rowMode: 'array',
    values: [
      encodeArray(elementTypes.uuid, events, (event) => event.id),
      encodeArray(elementTypes.text, events, (event) => event.userId),
      encodeArray(elementTypes.text, events, (event) => event.eventType),
      encodeArray(elementTypes.timestamptz, events, (event) => event.timestampMicros),
      encodeArray(elementTypes.jsonb, events, (event) => event.eventData),
      encodeArray(elementTypes.text, events, (event) => event.source),
      encodeArray(elementTypes.text, events, (event) => event.eventId),
      encodeArray(elementTypes.int8, events, (event) => event.record.offset),
      encodeTimestamp(times.reduce((a, b) => Math.min(a, b))),
      encodeTimestamp(times.reduce((a, b) => Math.max(a, b))),
    ],
  });
  const byOffset = new Map(compared.rows.map((answer) => [answer[0], answer]));
  return events.map((event): Comparison => {
    const [, found, storedPartition, storedOffset, differing] = byOffset.get(event.record.offset.toString()) ?? [];
    if (!found) return { event, outcome: 'absent' };
    if (differing) {
      const place = `partition ${storedPartition} offset ${storedOffset}`;
      return {
        event,
        outcome: 'conflict',
        detail: `the event stored under this id (from ${place}) has other content; different: ${differing}`,
      };
    }
    const samePosition = storedPartition === logPartition && storedOffset === event.record.offset.toString();
    return { event, outcome: samePosition ? 'redelivered' : 'duplicate' };
  });
}
