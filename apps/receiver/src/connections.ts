import type { Socket } from 'node:net';
import type { Exchange } from './exchange.ts';
import { addressOf } from './limits/address.ts';

/** What the receiver knows of one open connection. */
export interface Connection {
  readonly socket: Socket;
  /** Of the other end. */
  readonly address: string;
  /** How many requests have come over it. */
  requests: number;
  /** Requests without a complete answer; more than one only where a client sends ahead. */
  pending: number;
  /** The request that came last. Only it can be incomplete. */
  latest: Exchange | undefined;
  /** What came is not HTTP, or breaks its rules; it has been answered, and what follows is ignored. */
  broken: boolean;
}

/** The open connections of a server. */
export class Connections implements Iterable<Connection> {
  readonly #open = new Map<Socket, Connection>();

  add(socket: Socket): Connection {
    const address = addressOf(socket.remoteAddress ?? '') ?? '';
    const connection = { socket, address, requests: 0, pending: 0, latest: undefined, broken: false };
    this.#open.set(socket, connection);
    socket.once('close', () => this.#open.delete(socket));
    return connection;
  }

  of(socket: Socket): Connection | undefined {
    return this.#open.get(socket);
  }

  [Symbol.iterator](): Iterator<Connection> {
    return this.#open.values();
  }
}
