import type { Logger } from '@kero/runtime';
import { INTERNAL_DETAIL } from './append-record.ts';
import type { Connection } from './connections.ts';
import type { Cors } from './cors.ts';
import type { Exchange } from './exchange.ts';
import type { Refusal } from './http-problems.ts';
import type { Incoming } from './lane/lane-connection.ts';
import type { BytesInFlight } from './limits/bytes-in-flight.ts';
import { checkHead, type HeadLimits } from './limits/check-head.ts';
import type { TrustedProxies } from './limits/trusted-proxies.ts';
import { onceAHead } from './once-a-head.ts';
import type { ReceiverCounts } from './receiver-counts.ts';
import { requestIdOf } from './request-id.ts';
import { logRefusal, type Refuse } from './responses.ts';
import type { Router } from './router.ts';

export interface ServeOptions {
  readonly settings: HeadLimits & { readonly maxRequestsPerConnection: number };
  readonly route: Router;
  readonly proxies: TrustedProxies;
  readonly cors: Cors | undefined;
  readonly counts: ReceiverCounts;
  readonly room: BytesInFlight;
  readonly logger: Logger;
  readonly refuse: Refuse;
  readonly isStopping: () => boolean;
}

const INTERNAL_ERROR: Refusal = { code: 'internal_error', detail: INTERNAL_DETAIL };

/** Serves requests, whoever has read them: head -> route -> handler, and an answer whatever happens. False: it will get none. */
export function createServe(options: ServeOptions): (incoming: Incoming) => boolean {
  const { settings, route, proxies, cors, counts, room, logger, refuse, isStopping } = options;

  const find = onceAHead((head) => checkHead(head, settings) ?? route(head.method, head.url));
  const handle = (exchange: Exchange, connection: Connection | undefined) => {
    const found = find(exchange.request);
    // Nobody knows where the next request begins, or to whom it goes.
    if (connection && typeof found === 'object' && found.code === 'malformed_request') connection.broken = true;
    return typeof found === 'function' ? found(exchange) : refuse(exchange, found);
  };
  const fail = (exchange: Exchange, error: unknown) => {
    const { response } = exchange;
    if (!response.headersSent) return refuse(exchange, INTERNAL_ERROR, error);
    // An answer that has begun cannot become another one: the client must not take half of it for the whole.
    logRefusal(logger, INTERNAL_ERROR, exchange.requestId, error);
    response.destroy();
  };
  const finish = (exchange: Exchange, connection: Connection | undefined) => {
    counts.inFlight--;
    room.giveBack(exchange);
    if (connection) connection.pending--;
  };
  const serve = (exchange: Exchange, connection: Connection | undefined) => {
    const done = () => finish(exchange, connection);
    let handling: Promise<void> | void;
    try {
      handling = handle(exchange, connection);
    } catch (error) {
      handling = fail(exchange, error);
    }
    // What is answered already is done at once: those behind it must not take it for one that waits.
    if (!handling) return done();
    void handling.then(done, async (error) => {
      try {
        await fail(exchange, error);
      } finally {
        done();
      }
    });
  };

  return ({ request, body, response, socket, connection }) => {
    if (connection?.broken) return false;
    const turn = connection ? ++connection.requests : 1;
    // Sent ahead, behind the request that is the last one of its connection: nobody will see an answer.
    if (settings.maxRequestsPerConnection > 0 && turn > settings.maxRequestsPerConnection) return false;
    const requestId = requestIdOf(request.headers['x-request-id']);
    const exchange: Exchange = {
      request,
      body,
      response,
      socket,
      requestId,
      address: proxies.origin(connection?.address ?? '', request.headers['x-forwarded-for']),
      clientId: undefined,
      headers: ['x-request-id', requestId],
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
    serve(exchange, connection);
    return true;
  };
}
