import { createServer } from 'node:http';
import type { Health, HealthReport } from './health.ts';
import { listen } from './listen.ts';
import type { Metrics } from './metrics.ts';

export interface AdminServer extends AsyncDisposable {
  readonly port: number;
}

export interface AdminServerOptions {
  readonly host: string;
  readonly port: number;
  readonly health: Health;
  readonly metrics: Pick<Metrics, 'scrape'>;
}

/**
 * The port for operators: health with reasons, and metrics. It is a port of its own because what it says must never be
 * readable on the public one.
 */
export async function startAdminServer({ host, port, health, metrics }: AdminServerOptions): Promise<AdminServer> {
  const server = createServer((request, response) => {
    const answer = (status: number, body: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
      response.end(`${JSON.stringify(body)}\n`);
    };
    const answerHealth = ({ up, parts }: HealthReport) => answer(up ? 200 : 503, { status: up ? 'up' : 'down', parts });
    if (request.method !== 'GET' && request.method !== 'HEAD') return answer(405, { error: 'use GET' });
    switch (request.url?.replace(/\?.*$/, '')) {
      case '/health/live':
        return answerHealth(health.reportLive());
      case '/health/ready':
        return answerHealth(health.report());
      case '/metrics':
        metrics.scrape().then(
          ({ contentType, text }) => {
            response.writeHead(200, { 'content-type': contentType, 'cache-control': 'no-store' });
            response.end(text);
          },
          (error: unknown) => answer(500, { error: String(error) }),
        );
        return;
      default:
        return answer(404, { error: 'try /health/live, /health/ready or /metrics' });
    }
  });
  const boundPort = await listen(server, host, port, 'ADMIN_PORT');
  return {
    port: boundPort,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
