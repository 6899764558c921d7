import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Connection } from '../connections.ts';
import { EndOfHead } from './end-of-head.ts';
import { LaneConnection, type LaneDependencies, type LaneSettings } from './lane-connection.ts';

/** How often it is looked whose client keeps us waiting. */
const LOOK_MS = 250;

export interface LaneOptions extends Pick<LaneDependencies, 'serve' | 'onClientError'> {
  readonly server: Server;
  readonly settings: LaneSettings;
  /** Gives a connection to node:http. */
  readonly toNode: (socket: Socket) => void;
}

export interface Lane {
  /** Serves a new connection. */
  take(connection: Connection): void;
  /** Closes the connections that are between two requests. */
  closeIdle(): void;
  /** Every connection is closed: nothing has to be watched any more. */
  end(): void;
}

/**
 * Puts the lane in front of a server of node:http: every connection begins here, and goes there with the first thing that is out of
 * the ordinary (LaneConnection). One server, one port, one set of handlers.
 */
export function createLane({ server, settings, serve, onClientError, toNode }: LaneOptions): Lane {
  const open = new Set<LaneConnection>();
  const deps: LaneDependencies = {
    settings,
    endOfHead: new EndOfHead(settings.idleTimeoutMs),
    idleGraceMs: (server as { keepAliveTimeoutBuffer?: number }).keepAliveTimeoutBuffer ?? 0,
    serve,
    onClientError,
    handOver: toNode,
    onGone: (connection) => open.delete(connection),
  };
  const look = setInterval(() => {
    const nowMs = performance.now();
    for (const connection of open) connection.look(nowMs);
  }, LOOK_MS);
  look.unref();
  return {
    take: (connection) => void open.add(new LaneConnection(connection, deps)),
    closeIdle: () => {
      for (const connection of open) connection.closeIdle();
    },
    end: () => clearInterval(look),
  };
}

/**
 * Takes from the server what it does with new connections, and gives it: node:http serves a connection by listening to the event of its
 * kind. (Emitting `connection`, as Node documents it, is no way for HTTPS: there it would begin another handshake.)
 */
export function detachConnections(server: Server, isTls: boolean): (socket: Socket) => void {
  const event = isTls ? 'secureConnection' : 'connection';
  const listeners = server.listeners(event) as ((this: Server, socket: Socket) => void)[];
  for (const listener of listeners) server.off(event, listener);
  return (socket) => {
    for (const listener of listeners) listener.call(server, socket);
  };
}
