import type { ClientBase } from 'pg';
import type { StoreEvent } from '../event-store.ts';
import { elementTypes, encodeArray } from './binary.ts';

/**
 * One statement for any number of rows: each column is one array parameter in binary, so the text of the statement (and
 * its plan) is always the same and the 65,535 parameters of the protocol are no limit. Of one COPY's speed this reaches
 * 0.75; a multi-row VALUES list 0.6, COPY to a temporary table and INSERT from there 0.65, row by row 0.03.
 *
 * The conflict target is named on purpose: a unique index that somebody added must raise an error, not hide events.
 */
const INSERT_EVENTS = `
insert into public.events
  (id, user_id, event_type, event_timestamp, event_data, source, event_id, received_at, log_partition, log_offset)
select id, user_id, event_type, event_timestamp, event_data, source, event_id, received_at, $10::int, log_offset
from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::jsonb[], $6::text[], $7::text[],
  $8::timestamptz[], $9::bigint[])
  as batch (id, user_id, event_type, event_timestamp, event_data, source, event_id, received_at, log_offset)
on conflict (event_timestamp, id) do nothing
returning log_offset`;

/** Writes the events whose id is not there yet; resolves to those that were refused because it is. */
export async function insertEvents(
  client: ClientBase,
  events: readonly StoreEvent[],
  logPartition: number,
): Promise<StoreEvent[]> {
  const inserted = await client.query<[string]>({
    name: 'kero_insert_events',
    text: INSERT_EVENTS,
    rowMode: 'array',
    values: [
      encodeArray(elementTypes.uuid, events, (event) => event.id),
      encodeArray(elementTypes.text, events, (event) => event.userId),
      encodeArray(elementTypes.text, events, (event) => event.eventType),
      encodeArray(elementTypes.timestamptz, events, (event) => event.timestampMicros),
      encodeArray(elementTypes.jsonb, events, (event) => event.eventData),
      encodeArray(elementTypes.text, events, (event) => event.source),
      encodeArray(elementTypes.text, events, (event) => event.eventId),
      encodeArray(elementTypes.timestamptz, events, (event) => event.record.receivedAtMicros),
      encodeArray(elementTypes.int8, events, (event) => event.record.offset),
      logPartition,
    ],
  });
  if (inserted.rowCount === events.length) return [];
  const offsets = new Set(inserted.rows.map(([offset]) => offset));
  return events.filter((event) => !offsets.has(event.record.offset.toString()));
}
