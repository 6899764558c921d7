import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from '@kero/runtime';
import type { Connection, Connections } from './connections.ts';
import { ConnectionsPerAddress } from './limits/connections-per-address.ts';
import { SlowReaders } from './limits/slow-readers.ts';
import type { TrustedProxies } from './limits/trusted-proxies.ts';
import type { ReceiverCounts } from './receiver-counts.ts';
import type { ReceiverSettings } from './receiver-settings.ts';

/** How often it is looked whether clients take their answers. */
const READERS_CHECK_MS = 250;

/** How often it is said that connections cannot be accepted. */
const ACCEPT_LOG_MS = 10_000;

export interface AcceptConnectionsOptions {
  readonly server: Server;
  readonly isTls: boolean;
  readonly settings: ReceiverSettings;
  readonly proxies: TrustedProxies;
  /** Gets those over which requests can come. */
  readonly connections: Connections;
  /** Serves them. */
  readonly take: (connection: Connection) => void;
  readonly counts: ReceiverCounts;
  readonly logger: Logger;
}

export interface AcceptedConnections {
  /** Closes those whose TLS handshake is not finished. */
  destroyUnfinished(): void;
  destroyAll(): void;
  /** Every connection is closed: nothing has to be watched any more. */
  end(): void;
}

/** Lets connections in or not, counts them, and closes those whose clients do not take their answers. */
export function acceptConnections(options: AcceptConnectionsOptions): AcceptedConnections {
  const { server, isTls, settings, proxies, connections, take, counts, logger } = options;
  const perAddress = new ConnectionsPerAddress(settings.maxConnectionsPerAddress, proxies);
  /** Of TCP: also those that are not through with their TLS handshake. */
  const sockets = new Set<Socket>();

  server.on('connection', (socket: Socket) => {
    if (!perAddress.admit(socket)) {
      counts.connectionsRefused++;
      socket.destroy();
      return;
    }
    counts.connectionsOpen++;
    sockets.add(socket);
    socket.once('close', () => {
      counts.connectionsOpen--;
      sockets.delete(socket);
    });
    if (!isTls) take(connections.add(socket));
  });
  server.on('secureConnection', (socket: Socket) => {
    // Not before: Node would keep connections that end in the middle of their handshake.
    socket.allowHalfOpen = true;
    take(connections.add(socket));
  });
  server.on('tlsClientError', () => {
    counts.handshakesFailed++;
  });
  server.on('drop', () => {
    counts.connectionsRefused++;
  });
  server.on('error', createAcceptErrorLog(server, logger));

  const slowReaders = new SlowReaders(settings.answerTimeoutMs);
  const readersCheck = setInterval(() => {
    counts.connectionsStuck += slowReaders.close(connections, performance.now());
  }, READERS_CHECK_MS);
  readersCheck.unref();

  return {
    destroyUnfinished() {
      const finished = new Set(Array.from(connections, ({ socket }) => peerOf(socket)));
      for (const socket of sockets) if (!finished.has(peerOf(socket))) socket.destroy();
    },
    destroyAll() {
      for (const socket of sockets) socket.destroy();
    },
    end: () => clearInterval(readersCheck),
  };
}

/** The same for a connection of TCP and for the TLS that runs over it. */
function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

/** Without a listener, the first connection that cannot be accepted (no more file descriptors, say) would end the process. */
function createAcceptErrorLog(server: Server, logger: Logger): (error: Error) => void {
  let quietUntilMs = Number.NEGATIVE_INFINITY;
  return (error) => {
    // Before that it is a failure to listen, which is told to who asked for it.
    if (!server.listening || performance.now() < quietUntilMs) return;
    quietUntilMs = performance.now() + ACCEPT_LOG_MS;
    logger.warn({ reason: error.message }, 'connections cannot be accepted');
  };
}
