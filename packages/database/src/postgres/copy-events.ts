import type { ClientBase } from 'pg';
import type { StoreEvent } from '../event-store.ts';
import { JSONB_VERSION, writeTimestamp } from './binary.ts';
import { CopyBuffer, CopyIn } from './copy-in.ts';

/**
 * Binary COPY straight into events: the fastest way in that PostgreSQL has. It knows no ON CONFLICT, so one repeated event
 * refuses the whole batch (23505); store-batch.ts then takes insert-events.ts.
 */
const COPY_EVENTS = `copy public.events
  (id, user_id, event_type, event_timestamp, event_data, source, event_id, received_at, log_partition, log_offset)
  from stdin (format binary)`;

const COLUMNS = 10;
/** Field count, ten lengths, and the columns of fixed size. */
const FIXED_BYTES = 2 + COLUMNS * 4 + 16 + 8 + 1 + 8 + 4 + 8;
const MAX_BYTES_PER_UTF16_UNIT = 3;
/** Large enough to make writes few, small enough for the server to start early. */
const CHUNK_BYTES = 128 * 1024;

const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
const END_OF_DATA = -1;

/** Writes the rows; rejects with what the pg library throws. */
export async function copyEvents(
  client: ClientBase,
  events: readonly StoreEvent[],
  logPartition: number,
): Promise<number> {
  return client.query(new CopyIn(COPY_EVENTS, encodeRows(events, logPartition))).done;
}

/** The rows in the binary format of COPY, cut into CopyData messages. */
export function* encodeRows(events: readonly StoreEvent[], logPartition: number): Generator<Buffer> {
  let chunk = new CopyBuffer(CHUNK_BYTES);
  chunk.at += SIGNATURE.copy(chunk.bytes, chunk.at);
  for (const event of events) {
    const size = maxRowBytes(event);
    if (!chunk.hasRoomFor(size)) {
      yield chunk.framed();
      chunk = new CopyBuffer(Math.max(CHUNK_BYTES, size));
    }
    chunk.at = writeRow(chunk.bytes, chunk.at, event, logPartition);
  }
  if (!chunk.hasRoomFor(2)) {
    yield chunk.framed();
    chunk = new CopyBuffer(2);
  }
  chunk.at = chunk.bytes.writeInt16BE(END_OF_DATA, chunk.at);
  yield chunk.framed();
}

function maxRowBytes(event: StoreEvent): number {
  const units = event.userId.length + event.eventType.length + event.source.length + (event.eventId?.length ?? 0);
  return FIXED_BYTES + units * MAX_BYTES_PER_UTF16_UNIT + event.eventData.length;
}

function writeRow(to: Buffer, start: number, event: StoreEvent, logPartition: number): number {
  let at = to.writeInt16BE(COLUMNS, start);
  at = to.writeInt32BE(16, at);
  at += event.id.copy(to, at);
  at = writeText(to, at, event.userId);
  at = writeText(to, at, event.eventType);
  at = to.writeInt32BE(8, at);
  at = writeTimestamp(to, event.timestampMicros, at);
  at = to.writeInt32BE(event.eventData.length + 1, at);
  at = to.writeUInt8(JSONB_VERSION, at);
  at += event.eventData.copy(to, at);
  at = writeText(to, at, event.source);
  at = event.eventId === undefined ? to.writeInt32BE(-1, at) : writeText(to, at, event.eventId);
  at = to.writeInt32BE(8, at);
  at = writeTimestamp(to, event.record.receivedAtMicros, at);
  at = to.writeInt32BE(4, at);
  at = to.writeInt32BE(logPartition, at);
  at = to.writeInt32BE(8, at);
  return to.writeBigInt64BE(event.record.offset, at);
}

function writeText(to: Buffer, at: number, text: string): number {
  const length = to.write(text, at + 4);
  to.writeInt32BE(length, at);
  return at + 4 + length;
}
