import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

/** What a registry does to the next requests instead of answering as it should. */
export type Fault = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * Enough of the Confluent REST API for the failures that a real registry does not have on demand. What a healthy one answers is
 * tested against a real one (apicurio.ts).
 */
export interface FaultyRegistry {
  readonly url: string;
  /** Every request so far: method and path. */
  readonly requests: readonly string[];
  /** The headers of the last one. */
  readonly lastHeaders: IncomingMessage['headers'];
  put(subject: string, schema: unknown, more?: { readonly schemaType?: string; readonly references?: unknown[] }): void;
  delete(subject: string): void;
  fault: Fault | undefined;
  /** Nobody listens any more; then somebody does again. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

interface Stored {
  readonly id: number;
  readonly version: number;
  readonly body: Record<string, unknown>;
}

export async function startFaultyRegistry(t: TestContext): Promise<FaultyRegistry> {
  const subjects = new Map<string, Stored>();
  const requests: string[] = [];
  let ids = 0;
  const registry = {
    url: '',
    requests,
    lastHeaders: {} as IncomingMessage['headers'],
    fault: undefined as Fault | undefined,
    put(subject: string, schema: unknown, more = {}) {
      const version = (subjects.get(subject)?.version ?? 0) + 1;
      const text = typeof schema === 'string' ? schema : JSON.stringify(schema);
      const id = ++ids;
      subjects.set(subject, { id, version, body: { subject, id, version, schemaType: 'JSON', schema: text, ...more } });
    },
    delete: (subject: string) => void subjects.delete(subject),
    stop: async () => {
      server.closeAllConnections();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
    start: async () => {
      server.listen(Number(new URL(registry.url).port), '127.0.0.1');
      await once(server, 'listening');
    },
  };
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    registry.lastHeaders = request.headers;
    if (registry.fault) return registry.fault(request, response);
    const subject = /^\/subjects\/([^/]+)\/versions\/latest$/.exec(request.url ?? '')?.[1];
    const found = subject === undefined ? undefined : subjects.get(decodeURIComponent(subject));
    const body = found?.body ?? { error_code: 40401, message: `Subject '${subject}' not found.` };
    response.writeHead(found ? 200 : 404, { 'content-type': 'application/vnd.schemaregistry.v1+json' });
    response.end(JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  registry.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  t.after(registry.stop);
  return registry;
}

export function answer(status: number, body: unknown = {}, headers: Record<string, string> = {}): Fault {
  return (_request, response) => {
    response.writeHead(status, headers);
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
}

/** The request is taken and never answered. */
export const silence: Fault = () => {};
