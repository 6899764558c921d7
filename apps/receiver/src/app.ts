import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Authenticator } from '@kero/auth';
import type { EventSettings } from '@kero/events';
import type { Producer } from '@kero/messaging';
import type { Health, Logger } from '@kero/runtime';
import { builtInSchemas, type SchemaSource } from '@kero/schemas';
import { acceptConnections } from './accept-connections.ts';
import { acceptEvents, STOPPING } from './accept-events.ts';
import { INTERNAL_DETAIL } from './append-record.ts';
import { anybody, createAuthorize } from './authorize.ts';
import { createBrokenRequestHandler, createConnectHandler } from './broken-requests.ts';
import { type Connection, Connections } from './connections.ts';
import { createCors } from './cors.ts';
import { docsRoutes } from './docs-page.ts';
import type { Exchange } from './exchange.ts';
import { live, ready } from './health-routes.ts';
import type { Refusal } from './http-problems.ts';
import { type Admission, everythingAdmitted } from './limits/admission.ts';
import { BytesInFlight } from './limits/bytes-in-flight.ts';
import { checkHead } from './limits/check-head.ts';
import { limitRequestsInFlight } from './limits/requests-in-flight.ts';
import { createTrustedProxies } from './limits/trusted-proxies.ts';
import { openApiRoute } from './openapi/openapi-route.ts';
import { createCounts, type ReceiverCounts } from './receiver-counts.ts';
import type { ReceiverSettings } from './receiver-settings.ts';
import { requestIdOf } from './request-id.ts';
import { createRefuse, logRefusal } from './responses.ts';
import { createRouter, type Routes } from './router.ts';
import { type CertificateAndKey, createApiServer } from './server.ts';

export interface ReceiverDependencies {
  /** Opened and closed by the caller; close it after the receiver has stopped. */
  readonly producer: Producer;
  readonly settings: ReceiverSettings;
  readonly eventSettings: EventSettings;
  /** Gets the parts `receiver` and `log`. */
  readonly health: Health;
  readonly logger: Logger;
  /** Who may send; everybody, unless it is told otherwise. Gets the part `auth` of health. */
  readonly auth?: Authenticator | undefined;
  /** Without limits, unless it is told otherwise. */
  readonly admission?: Admission;
  /** The built-in ones, unless it is told otherwise. */
  readonly schemas?: SchemaSource;
  /** With it the API is served over HTTPS. */
  readonly certificate?: CertificateAndKey | undefined;
  /** Unix milliseconds; Date.now by default. */
  readonly now?: () => number;
}

export interface Receiver {
  /** Not listening yet: that is up to the caller. */
  readonly server: Server;
  readonly counts: ReceiverCounts;
  /** New connections get this certificate; only where there was one. */
  renewCertificate(certificate: CertificateAndKey): void;
  /**
   * Takes no more connections, closes idle ones, and resolves when every request has its answer: those that wait for the
   * log get the log's, later ones 503. Takes at most the deadline of an append and a moment. Idempotent.
   */
  stop(): Promise<void>;
}

/** How long a request whose body is still coming may go on after the stop began, before it gets its 503. */
const STOP_GRACE_MS = 1000;

const INTERNAL_ERROR: Refusal = { code: 'internal_error', detail: INTERNAL_DETAIL };

/** The HTTP API as a server that is not listening, for the process and for tests alike. */
export function createReceiver(dependencies: ReceiverDependencies): Receiver {
  const { producer, settings, eventSettings, health, logger, now = Date.now } = dependencies;
  const { certificate, auth, admission = everythingAdmitted, schemas = builtInSchemas } = dependencies;
  const counts = createCounts();
  const connections = new Connections();
  const room = new BytesInFlight(counts, settings.maxBytesInFlight);
  const proxies = createTrustedProxies(settings.trustedProxies ?? []);
  const cors = settings.corsOrigins && createCors(settings.corsOrigins);
  const refuse = createRefuse({ logger, counts });
  let stopping: Promise<void> | undefined;
  const isStopping = () => stopping !== undefined;

  health.register('receiver', () => (isStopping() ? { up: false, reason: 'stopping' } : { up: true }));
  health.register('log', () => producer.health());
  if (auth) health.register('auth', () => auth.health());

  const accept = acceptEvents({
    producer,
    settings,
    eventSettings,
    authorize: auth ? createAuthorize(auth, 'events:write') : anybody,
    admission,
    schemas,
    counts,
    room,
    logger,
    refuse,
    now,
    isStopping,
  });
  const events = limitRequestsInFlight(accept, { max: settings.maxRequestsInFlight, counts, refuse });
  const routes: Routes = {
    '/api/v1/events': { POST: events, OPTIONS: cors?.preflight },
    '/api/v1/events/': { POST: events, OPTIONS: cors?.preflight },
    '/api/v1/openapi.json': { GET: openApiRoute({ settings, eventSettings, credentials: auth?.accepts, now }) },
    '/health/live': { GET: live },
    '/health/ready': { GET: ready(health) },
    ...docsRoutes(),
  };
  const route = createRouter(routes);

  const serve = async (exchange: Exchange, connection: Connection | undefined) => {
    const { request, response } = exchange;
    try {
      const found = checkHead(request, settings) ?? route(request.method, request.url);
      // Nobody knows where the next request begins, or to whom it goes.
      if (connection && typeof found === 'object' && found.code === 'malformed_request') connection.broken = true;
      await (typeof found === 'function' ? found(exchange) : refuse(exchange, found));
    } catch (error) {
      if (!response.headersSent) return await refuse(exchange, INTERNAL_ERROR, error);
      // An answer that has begun cannot become another one: the client must not take half of it for the whole.
      logRefusal(logger, INTERNAL_ERROR, exchange.requestId, error);
      response.destroy();
    } finally {
      counts.inFlight--;
      room.giveBack(exchange);
      if (connection) connection.pending--;
    }
  };
  const onRequest = (request: IncomingMessage, response: ServerResponse, expectsContinue: boolean) => {
    const connection = connections.of(request.socket);
    if (connection?.broken) return;
    const turn = connection ? ++connection.requests : 1;
    // Sent ahead, behind the request that is the last one of its connection: nobody will see an answer.
    if (settings.maxRequestsPerConnection > 0 && turn > settings.maxRequestsPerConnection) return;
    const exchange: Exchange = {
      request,
      response,
      requestId: requestIdOf(request.headers['x-request-id']),
      address: proxies.origin(connection?.address ?? '', request.headers['x-forwarded-for']),
      clientId: undefined,
      headers: [],
      expectsContinue,
      bytesReceived: 0,
      bytesHeld: 0,
      cancelBody: undefined,
    };
    if (connection) {
      connection.pending++;
      connection.latest = exchange;
    }
    cors?.mark(exchange);
    if (isStopping() || turn === settings.maxRequestsPerConnection) response.shouldKeepAlive = false;
    counts.inFlight++;
    void serve(exchange, connection);
  };

  const { server, renew } = createApiServer(settings, certificate);
  const isTls = certificate !== undefined;
  const accepted = acceptConnections({ server, isTls, settings, proxies, connections, counts, logger });
  server.on('request', (request, response) => onRequest(request, response, false));
  server.on('checkContinue', (request, response) => onRequest(request, response, true));
  server.on('checkExpectation', (request, response) => onRequest(request, response, false));
  const raw = { connections, counts, logger, limits: settings };
  server.on('clientError', createBrokenRequestHandler(raw));
  server.on('connect', createConnectHandler(raw));

  const stop = async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const { latest, pending } of connections) {
      if (latest && pending > 0 && !latest.response.headersSent) latest.response.shouldKeepAlive = false;
    }
    const grace = setTimeout(() => {
      for (const { socket, latest, pending } of connections) {
        if (pending === 0) socket.destroySoon();
        else latest?.cancelBody?.(STOPPING);
      }
      accepted.destroyUnfinished();
    }, STOP_GRACE_MS);
    // Only a client that does not read its answers is still there by then.
    const force = setTimeout(accepted.destroyAll, settings.deadlineMs + 2 * STOP_GRACE_MS);
    await closed;
    accepted.end();
    clearTimeout(grace);
    clearTimeout(force);
  };
  return {
    server,
    counts,
    renewCertificate: renew,
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  };
}
