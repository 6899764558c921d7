import type { Connection, Connections } from '../connections.ts';

interface Blocked {
  /** Bytes that were written to the connection by then: so many have to leave. */
  readonly bytes: number;
  readonly sinceMs: number;
}

/**
 * Closes connections whose clients do not take their answers: Node has time-outs for requests only. What waits at one look has
 * to be gone `answerTimeoutMs` later; a client that takes a byte now and then is no better than one that takes none.
 */
export class SlowReaders {
  readonly #blocked = new WeakMap<Connection, Blocked>();
  readonly #answerTimeoutMs: number;

  constructor(answerTimeoutMs: number) {
    this.#answerTimeoutMs = answerTimeoutMs;
  }

  /** Called every now and then; gives the number of connections that it closed. `nowMs`: monotonic. */
  close(connections: Connections, nowMs: number): number {
    let closed = 0;
    for (const connection of connections) {
      const { socket } = connection;
      const waiting = socket.writableLength;
      const blocked = this.#blocked.get(connection);
      if (waiting === 0) {
        if (blocked) this.#blocked.delete(connection);
      } else if (blocked === undefined || socket.bytesWritten - waiting >= blocked.bytes) {
        this.#blocked.set(connection, { bytes: socket.bytesWritten, sinceMs: nowMs });
      } else if (nowMs - blocked.sinceMs >= this.#answerTimeoutMs) {
        socket.destroy();
        closed++;
      }
    }
    return closed;
  }
}
