import { createServer } from 'node:http';
import type { Health } from './health.ts';
import { listen } from './listen.ts';

export interface AdminServer extends AsyncDisposable {
  readonly port: number;
}

/**
 * The port for operators: health with reasons. It is a port of its own because what it says (and later the metrics) must
 * never be readable on the public one.
 */
export async function startAdminServer(options: { host: string; port: number; health: Health }): Promise<AdminServer> {
  const server = createServer((request, response) => {
    const answer = (status: number, body: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
      response.end(`${JSON.stringify(body)}\n`);
    };
    if (request.method !== 'GET' && request.method !== 'HEAD') return answer(405, { error: 'use GET' });
    if (request.url === '/health/live') return answer(200, { status: 'up' });
    if (request.url === '/health/ready') {
      const report = options.health.report();
      return answer(report.up ? 200 : 503, { status: report.up ? 'up' : 'down', parts: report.parts });
    }
    return answer(404, { error: 'try /health/live or /health/ready' });
  });
  const port = await listen(server, options.host, options.port, 'ADMIN_PORT');
  return {
    port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
