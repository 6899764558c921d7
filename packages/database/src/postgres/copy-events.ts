import type { ClientBase } from 'pg';
import type { MemberSpans, StoreEvent } from '../event-store.ts';
import { JSONB_VERSION, UUID_BYTES } from './binary.ts';
import { CopyBuffer, CopyIn } from './copy-in.ts';

/**
 * Binary COPY straight into events: the fastest way in that PostgreSQL has. It knows no ON CONFLICT, so one repeated event
 * refuses the whole batch (23505); store-batch.ts finds out what is there, before or after, and copies the rest.
 */
const COPY_EVENTS = `copy public.events
  (id, user_id, event_type, event_timestamp, event_data, source, event_id, received_at, log_partition, log_offset)
  from stdin (format binary)`;

const COLUMNS = 10;
/** Field count, ten lengths, and the columns of fixed size. */
const FIXED_BYTES = 2 + COLUMNS * 4 + UUID_BYTES + 8 + 1 + 8 + 4 + 8;
const MAX_BYTES_PER_UTF16_UNIT = 3;
/** Large enough to make writes few, small enough for the server to start early. */
const CHUNK_BYTES = 128 * 1024;
/** 8 MiB: two or three batches at work. */
const KEPT_BUFFERS = 64;

const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
const END_OF_DATA = -1;
const END_BYTES = 2;
const LENGTH_BYTES = 4;
const NULL_LENGTH = -1;

/** The partition of the log that an event came from. */
export type PartitionOf = (event: StoreEvent) => number;

/** Copies batches, and keeps its buffers from one to the next: making them anew kept the garbage collector busy. */
export class EventCopier {
  readonly #free: CopyBuffer[] = [];

  /** Writes the rows and resolves to their number; rejects with what the pg library throws. */
  async copy(client: ClientBase, events: readonly StoreEvent[], partitionOf: PartitionOf): Promise<number> {
    const used: CopyBuffer[] = [];
    const takeBuffer = (minBytes: number) => {
      const buffer = minBytes <= CHUNK_BYTES ? this.#free.pop() : undefined;
      const taken = buffer ?? new CopyBuffer(Math.max(CHUNK_BYTES, minBytes));
      used.push(taken);
      return taken;
    };
    const rows = await client.query(new CopyIn(COPY_EVENTS, encodeRows(events, partitionOf, takeBuffer))).done;
    // Only here, where the server has read them: after an error some may still wait in the socket.
    for (const buffer of used) if (this.#free.length < KEPT_BUFFERS) this.#keep(buffer);
    return rows;
  }

  #keep(buffer: CopyBuffer): void {
    if (buffer.size > CHUNK_BYTES) return;
    buffer.clear();
    this.#free.push(buffer);
  }
}

/** The rows in the binary format of COPY, cut into CopyData messages. */
export function* encodeRows(
  events: readonly StoreEvent[],
  partitionOf: PartitionOf,
  takeBuffer: (minBytes: number) => CopyBuffer,
): Generator<Buffer> {
  let chunk = takeBuffer(SIGNATURE.length + END_BYTES);
  chunk.raw(SIGNATURE);
  for (const event of events) {
    const size = maxRowBytes(event) + END_BYTES;
    if (chunk.room < size) {
      yield chunk.framed();
      chunk = takeBuffer(size);
    }
    writeRow(chunk, event, partitionOf(event));
  }
  chunk.int16(END_OF_DATA);
  yield chunk.framed();
}

function maxRowBytes(event: StoreEvent): number {
  const { spans, source } = event;
  if (!spans) {
    const units = event.userId.length + event.eventType.length + source.length + (event.eventId?.length ?? 0);
    return FIXED_BYTES + units * MAX_BYTES_PER_UTF16_UNIT + event.eventData.length;
  }
  const userId = spans.userIdEnd - spans.userIdStart;
  const eventType = spans.eventTypeEnd - spans.eventTypeStart;
  const eventId = spans.eventIdStart > 0 ? spans.eventIdEnd - spans.eventIdStart : 0;
  const texts = userId + eventType + eventId + source.length * MAX_BYTES_PER_UTF16_UNIT;
  return FIXED_BYTES + texts + spans.dataEnd - spans.dataStart;
}

function writeRow(to: CopyBuffer, event: StoreEvent, logPartition: number): void {
  const { spans, record } = event;
  to.int16(COLUMNS);
  if (spans) writeScannedMembers(to, spans, event);
  else writeMembers(to, event);
  to.int32(8);
  to.timestamp(record.receivedAtMicros);
  to.int32(4);
  to.int32(logPartition);
  to.int32(8);
  to.int64(record.offset);
}

function writeMembers(to: CopyBuffer, event: StoreEvent): void {
  to.int32(UUID_BYTES);
  to.raw(event.id);
  writeText(to, event.userId);
  writeText(to, event.eventType);
  to.int32(8);
  to.timestamp(event.timestampMicros);
  to.int32(event.eventData.length + 1);
  to.int8(JSONB_VERSION);
  to.raw(event.eventData);
  writeText(to, event.source);
  if (event.eventId === undefined) to.int32(NULL_LENGTH);
  else writeText(to, event.eventId);
}

/** The same columns, from bytes to bytes. */
function writeScannedMembers(to: CopyBuffer, spans: MemberSpans, { timestampMicros, source }: StoreEvent): void {
  const { bytes, dataStart, dataEnd, eventIdStart } = spans;
  to.int32(UUID_BYTES);
  spans.writeId(to.bytes, to.at);
  to.at += UUID_BYTES;
  writeSlice(to, bytes, spans.userIdStart, spans.userIdEnd);
  writeSlice(to, bytes, spans.eventTypeStart, spans.eventTypeEnd);
  to.int32(8);
  to.timestamp(timestampMicros);
  to.int32(dataEnd - dataStart + 1);
  to.int8(JSONB_VERSION);
  to.slice(bytes, dataStart, dataEnd);
  writeText(to, source);
  if (eventIdStart === 0) to.int32(NULL_LENGTH);
  else writeSlice(to, bytes, eventIdStart, spans.eventIdEnd);
}

function writeSlice(to: CopyBuffer, from: Buffer, start: number, end: number): void {
  to.int32(end - start);
  to.slice(from, start, end);
}

function writeText(to: CopyBuffer, text: string): void {
  const lengthAt = to.at;
  to.at += LENGTH_BYTES;
  to.text(text);
  to.int32At(lengthAt, to.at - lengthAt - LENGTH_BYTES);
}
