/**
 * The baseline of the write step: binary COPY of bytes that are there already. All that PostgreSQL can take, with a client that does
 * nothing but send.
 */
import pg from 'pg';
import { offer } from '../support/program.ts';
import { batchesOf, type Row, type WriteShape, writeInLanes } from './write-load.ts';

const COPY = `copy events (id, user_id, event_type, event_timestamp, event_data, source, event_id, received_at, log_partition,
  log_offset) from stdin (format binary)`;
const FRAME_BYTES = 128 * 1024;
const HEADER = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
const TRAILER = Buffer.from([0xff, 0xff]);
const DONE = message('c', Buffer.alloc(0));
const POSTGRES_EPOCH_MICROS = 946_684_800_000_000;

let clients: pg.Client[] = [];

offer({
  open: async ({ server, connections }: { server: pg.ClientConfig; connections: number }) => {
    clients = Array.from({ length: connections }, () => new pg.Client(server));
    await Promise.all(clients.map((client) => client.connect()));
  },
  /** Seconds that it took. */
  write: async (shape: WriteShape) => {
    const batches = batchesOf(shape).map(encode);
    return writeInLanes(batches, shape.connections, (frames, lane) => copy(clients[lane], frames));
  },
  close: () => Promise.all(clients.map((client) => client.end())),
});

function copy(client: pg.Client | undefined, frames: readonly Buffer[]): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let failure: Error | undefined;
  client?.query({
    submit(connection) {
      connection.query(COPY);
      for (const frame of frames) connection.stream.write(frame);
      connection.stream.write(DONE);
    },
    handleCopyInResponse() {},
    handleCommandComplete() {},
    handleReadyForQuery: () => (failure ? reject(failure) : resolve()),
    handleError: (error: Error) => {
      failure = error;
    },
  } as pg.Submittable);
  return promise;
}

/** The whole COPY of a batch as CopyData messages. */
function encode(rows: readonly Row[]): Buffer[] {
  const bytes = Buffer.concat([HEADER, ...rows.map(encodeRow), TRAILER]);
  const frames = Math.ceil(bytes.length / FRAME_BYTES);
  return Array.from({ length: frames }, (_, n) => message('d', bytes.subarray(n * FRAME_BYTES, (n + 1) * FRAME_BYTES)));
}

function encodeRow(row: Row, offset: number): Buffer {
  const time = int64(row.timestampMicros - POSTGRES_EPOCH_MICROS);
  const fields = [
    row.id,
    Buffer.from(row.userId),
    Buffer.from(row.eventType),
    time,
    Buffer.concat([Buffer.from([1]), row.eventData]),
    Buffer.from(row.source),
    Buffer.from(row.eventId),
    time,
    int32(0),
    int64(offset),
  ];
  const count = Buffer.alloc(2);
  count.writeInt16BE(fields.length);
  return Buffer.concat([count, ...fields.flatMap((field) => [int32(field.length), field])]);
}

function message(type: string, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from(type), int32(content.length + 4), content]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function int64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(value));
  return bytes;
}
