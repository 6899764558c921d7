import { isUtf8 } from 'node:buffer';
import type { ClientBase } from 'pg';
import type { DeadLetter, StoreRecord } from '../event-store.ts';
import { elementTypes, encodeArray } from './binary.ts';

/**
 * A letter is known by its position in the log, so a batch that is read again leaves the letter of the first time. What it
 * replays was read from a header that anybody may have written: a letter that is not there must not refuse this one.
 *
 * A record that was stored in time and is read again when it has expired is a row already, and no letter. Its time follows
 * from its id, to the millisecond; a sub-select with a limit is done once for each such letter and never becomes a join, see
 * find-stored.ts.
 */
const INSERT_DEAD_LETTERS = `
insert into public.dead_letters
  (id, reason, detail, payload, record_key, record_headers, log_id, log_partition, log_offset, received_at,
    replay_of)
select id, reason, detail, payload, record_key, record_headers, $9::uuid, $10::int, log_offset, received_at,
  (select known.dead_letter_id from public.dead_letters as known where known.dead_letter_id = batch.replay_of)
from unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[], $5::bytea[], $6::jsonb[], $7::bigint[], $8::timestamptz[],
  $11::bigint[], $12::timestamptz[])
  as batch (id, reason, detail, payload, record_key, record_headers, log_offset, received_at, replay_of, expired_from)
where batch.expired_from is null or (
  select true from public.events as stored
  where stored.event_timestamp >= batch.expired_from
    and stored.event_timestamp < batch.expired_from + interval '1 millisecond'
    and stored.id = batch.id and stored.log_partition = $10 and stored.log_offset = batch.log_offset
  limit 1
) is null
on conflict (log_id, log_partition, log_offset) do nothing
returning log_offset`;

/** Writes the letters that are not there yet, as letters or as rows; resolves to the offsets of those that it wrote. */
export async function insertDeadLetters(
  client: ClientBase,
  letters: readonly DeadLetter[],
  log: { readonly logId: string; readonly logPartition: number },
): Promise<Set<bigint>> {
  const inserted = await client.query<[string]>({
    text: INSERT_DEAD_LETTERS,
    rowMode: 'array',
    values: [
      encodeArray(elementTypes.uuid, letters, (letter) => letter.id),
      encodeArray(elementTypes.text, letters, (letter) => letter.reason),
      encodeArray(elementTypes.text, letters, (letter) => storableText(letter.detail)),
      encodeArray(elementTypes.bytea, letters, (letter) => letter.record.value),
      encodeArray(elementTypes.bytea, letters, (letter) => letter.record.key),
      encodeArray(elementTypes.jsonb, letters, (letter) => headersJson(letter.record)),
      encodeArray(elementTypes.int8, letters, (letter) => letter.record.offset),
      encodeArray(elementTypes.timestamptz, letters, (letter) => letter.record.receivedAtMicros),
      log.logId,
      log.logPartition,
      encodeArray(elementTypes.int8, letters, (letter) => letter.record.replayOf),
      encodeArray(elementTypes.timestamptz, letters, expiredFromMicros),
    ],
  });
  return new Set(inserted.rows.map(([offset]) => BigInt(offset)));
}

/** The first microsecond in which an expired event can lie: its id begins with the milliseconds (docs/identity.md). */
function expiredFromMicros({ reason, id }: DeadLetter): number | undefined {
  return reason === 'expired' && id ? id.readUIntBE(0, 6) * 1000 : undefined;
}

/** Nothing that a record may hold keeps its letter out: what jsonb and text cannot hold is written in another way. */
function headersJson({ headers }: StoreRecord): Buffer {
  const pairs = headers.map(([name, value]) => {
    const isText = isUtf8(value) && !value.includes(0);
    return [storableText(name), isText ? value.toString('utf8') : { base64: value.toString('base64') }];
  });
  return Buffer.from(JSON.stringify(pairs));
}

function storableText(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\\u0000');
}
