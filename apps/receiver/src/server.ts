import { constants } from 'node:crypto';
import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import type { SecureContextOptions } from 'node:tls';
import type { ReceiverSettings } from './receiver-settings.ts';

/** PEM texts. */
export interface CertificateAndKey {
  readonly cert: string;
  readonly key: string;
}

/**
 * Every answer is of the same two kinds of server: HTTP, or with a certificate HTTPS. `renew` is for new connections; those
 * that are open keep what they have.
 */
export interface ApiServer {
  readonly server: Server;
  readonly renew: (certificate: CertificateAndKey) => void;
}

/** A server with the limits that Node keeps itself, and without a handler. */
export function createApiServer(settings: ReceiverSettings, certificate: CertificateAndKey | undefined): ApiServer {
  const options = {
    headersTimeout: settings.headerTimeoutMs,
    requestTimeout: settings.bodyTimeoutMs,
    keepAliveTimeout: settings.idleTimeoutMs,
    // The parser refuses this many already.
    maxHeaderSize: settings.maxHeaderBytes + 1,
    connectionsCheckingInterval: 250,
    // Checked with the rest of the head, so that this refusal has a request id and a problem like every other.
    requireHostHeader: false,
  };
  const tls = { handshakeTimeout: settings.headerTimeoutMs };
  const https = certificate && createHttpsServer({ ...options, ...tls, ...secureContext(certificate) });
  const server: Server = https ?? createHttpServer(options);
  // Clients that end their side after the request (`nc -N`) still read the answer. The types of Node do not have it.
  Object.assign(server, { httpAllowHalfOpen: true });
  server.maxConnections = settings.maxConnections;
  // Some versions of Node leave out further headers without a word: one more than allowed shows that there are too many.
  server.maxHeadersCount = settings.maxHeaders + 1;
  return { server, renew: (renewed) => (https as HttpsServer | undefined)?.setSecureContext(secureContext(renewed)) };
}

/** All of it each time: setSecureContext keeps nothing of what was there. */
function secureContext({ cert, key }: CertificateAndKey): SecureContextOptions {
  return { cert, key, minVersion: 'TLSv1.2', secureOptions: constants.SSL_OP_NO_RENEGOTIATION };
}
