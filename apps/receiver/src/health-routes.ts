import type { Health } from '@kero/runtime';
import type { Handler } from './exchange.ts';
import { sendJson } from './responses.ts';

/** The process answers. */
export const live: Handler = (exchange) => sendJson(exchange, 200, '{"status":"up"}');

/** Whether this receiver should get requests. Only up or down: the reasons are on the admin port. */
export function ready(health: Health): Handler {
  return (exchange) =>
    health.report().up ? sendJson(exchange, 200, '{"status":"up"}') : sendJson(exchange, 503, '{"status":"down"}');
}
