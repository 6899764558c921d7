import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Authenticator } from '@kero/auth';
import type { EventSettings } from '@kero/events';
import type { Producer } from '@kero/messaging';
import type { Health, Logger } from '@kero/runtime';
import { builtInSchemas, type SchemaSource } from '@kero/schemas';
import { acceptConnections } from './accept-connections.ts';
import { acceptEvents, STOPPING } from './accept-events.ts';
import { anybody, createAuthorize } from './authorize.ts';
import { createBrokenRequestHandler, createConnectHandler } from './broken-requests.ts';
import { type Connection, Connections } from './connections.ts';
import { createCors } from './cors.ts';
import { docsRoutes } from './docs-page.ts';
import { live, ready } from './health-routes.ts';
import { createLane, detachConnections } from './lane/lane.ts';
import { type Admission, everythingAdmitted } from './limits/admission.ts';
import { BytesInFlight } from './limits/bytes-in-flight.ts';
import { limitRequestsInFlight } from './limits/requests-in-flight.ts';
import { createTrustedProxies } from './limits/trusted-proxies.ts';
import { NodeAnswer } from './node-answer.ts';
import { NodeBody } from './node-body.ts';
import { openApiRoute } from './openapi/openapi-route.ts';
import { createCounts, type ReceiverCounts } from './receiver-counts.ts';
import type { ReceiverSettings } from './receiver-settings.ts';
import { createRefuse } from './responses.ts';
import { createRouter, type Routes } from './router.ts';
import { createServe } from './serve-requests.ts';
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
  /** Every request is read by node:http. That is what the lane is compared with in tests. */
  readonly withoutLane?: boolean | undefined;
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

  const serve = createServe({ settings, route, proxies, cors, counts, room, logger, refuse, isStopping });
  const onRequest = (request: IncomingMessage, response: ServerResponse, isAwaited: boolean) => {
    const { socket } = request;
    const body = new NodeBody(request, response, isAwaited);
    serve({ request, body, response: new NodeAnswer(response), socket, connection: connections.of(socket) });
  };

  const { server, renew } = createApiServer(settings, certificate);
  const isTls = certificate !== undefined;
  const raw = { connections, counts, logger, limits: settings };
  const onClientError = createBrokenRequestHandler(raw);
  const toNode = detachConnections(server, isTls);
  const lane = createLane({ server, settings, serve, onClientError, toNode });
  const take = dependencies.withoutLane ? ({ socket }: Connection) => toNode(socket) : lane.take;
  const accepted = acceptConnections({ server, isTls, settings, proxies, connections, take, counts, logger });
  server.on('request', (request, response) => onRequest(request, response, false));
  server.on('checkContinue', (request, response) => onRequest(request, response, true));
  server.on('checkExpectation', (request, response) => onRequest(request, response, false));
  server.on('clientError', onClientError);
  server.on('connect', createConnectHandler(raw));

  const stop = async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    lane.closeIdle();
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
    lane.end();
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
