import type { Handler } from './exchange.ts';
import type { Refusal } from './http-problems.ts';

/** Path -> method -> handler. Paths are compared as they are; HEAD is served by GET. */
export type Routes = Readonly<
  Record<string, { readonly GET?: Handler; readonly POST?: Handler; readonly OPTIONS?: Handler | undefined }>
>;

export type Router = (method: string | undefined, target: string | undefined) => Handler | Refusal;

export function createRouter(routes: Routes): Router {
  const table = new Map<string, { handlers: Map<string, Handler>; allow: string }>();
  for (const [path, { GET, POST, OPTIONS }] of Object.entries(routes)) {
    const handlers = new Map<string, Handler>();
    if (GET) handlers.set('GET', GET).set('HEAD', GET);
    if (POST) handlers.set('POST', POST);
    if (OPTIONS) handlers.set('OPTIONS', OPTIONS);
    table.set(path, { handlers, allow: [...handlers.keys()].join(', ') });
  }
  return (method = '', target = '') => {
    const route = table.get(target) ?? table.get(pathOf(target));
    if (!route) {
      return { code: 'not_found', detail: 'No route has this path; events go to POST /api/v1/events, see /docs.' };
    }
    return (
      route.handlers.get(method) ?? {
        code: 'method_not_allowed',
        detail: `This path takes ${route.allow}.`,
        headers: ['allow', route.allow],
      }
    );
  };
}

/** The path of a request target: without the query, and without the authority where a proxy sent the absolute form. */
function pathOf(target: string): string {
  const absolute = /^https?:\/\/[^/?#]*/i.exec(target)?.[0].length ?? 0;
  const path = target.slice(absolute);
  const query = path.indexOf('?');
  return query < 0 ? path : path.slice(0, query);
}
