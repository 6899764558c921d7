import type { Writable } from 'node:stream';
import type { Connection, Submittable } from 'pg';
import { BinaryWriter } from './binary-writer.ts';

/** What a COPY ... FROM STDIN sends: framed CopyData messages (see CopyBuffer), each handed over once. */
export type CopyChunks = Iterable<Buffer>;

const COPY_DATA = 0x64;
const COPY_DONE = Buffer.from([0x63, 0, 0, 0, 4]);
const FRAME_BYTES = 5;

/**
 * Runs one COPY ... FROM STDIN on a client of the pg library: `client.query(new CopyIn(sql, chunks)).done`.
 *
 * The data follows the statement at once, without waiting for the server to ask: it is already working on the first chunk
 * while the next one is encoded. When the server refuses, it drops the chunks that are still on their way, as the protocol
 * says. There is no back-pressure: a batch is bounded, and in memory anyway.
 *
 * Own code and not pg-copy-streams, because that ends the process with a TypeError when the server refuses a row while
 * data is still being sent (it has dropped its connection when the socket drains), which here is an everyday event.
 */
export class CopyIn implements Submittable {
  /** Resolves to the number of rows once the server has finished the statement. */
  readonly done: Promise<number>;
  readonly #sql: string;
  /** Until they are sent. The pg library may refer to us for a while longer, and must not keep a batch in memory by that (0026). */
  #chunks: CopyChunks | undefined;
  readonly #resolve: (rows: number) => void;
  readonly #reject: (error: Error) => void;
  #rows = 0;

  constructor(sql: string, chunks: CopyChunks) {
    this.#sql = sql;
    this.#chunks = chunks;
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.done = promise;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** The pg library puts its time-out in here, which is to be called at the end. */
  callback(): void {}

  /** What is small leaves in one write: each write is a system call, and wakes the server up. */
  submit(connection: Connection): void {
    const { stream } = connection;
    stream.cork();
    connection.query(this.#sql);
    let isFirst = true;
    for (const chunk of this.#chunks ?? []) {
      if (!isFirst) flush(stream);
      stream.write(chunk);
      isFirst = false;
    }
    this.#chunks = undefined;
    stream.write(COPY_DONE);
    stream.uncork();
  }

  handleCopyInResponse(): void {}

  handleCommandComplete(message: { text: string }): void {
    this.#rows = Number(message.text.slice('COPY '.length));
  }

  handleReadyForQuery(): void {
    this.callback();
    this.#resolve(this.#rows);
  }

  handleError(error: Error): void {
    this.callback();
    this.#reject(error);
  }
}

/** Sends what is held back. */
function flush(stream: Writable): void {
  stream.uncork();
  stream.cork();
}

/** A buffer that leaves as one CopyData message: room for the frame is kept at its start, so that both are one write. */
export class CopyBuffer extends BinaryWriter {
  constructor(size: number) {
    super(FRAME_BYTES + size, FRAME_BYTES);
  }

  /** Bytes of data that it can hold. */
  get size(): number {
    return this.bytes.length - FRAME_BYTES;
  }

  clear(): void {
    this.at = FRAME_BYTES;
  }

  /** The CopyData message with everything written so far. */
  framed(): Buffer {
    this.bytes[0] = COPY_DATA;
    this.int32At(1, this.at - 1);
    return this.bytes.subarray(0, this.at);
  }
}
