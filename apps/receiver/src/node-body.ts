import type { IncomingMessage, ServerResponse } from 'node:http';
import type { BodyListener, IncomingBody } from './exchange.ts';

/** The body of a request that node:http reads. */
export class NodeBody implements IncomingBody {
  readonly declaredBytes: number | undefined;
  readonly isAwaited: boolean;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;

  constructor(request: IncomingMessage, response: ServerResponse, isAwaited: boolean) {
    const { 'content-length': length, 'transfer-encoding': transferEncoding } = request.headers;
    this.declaredBytes = transferEncoding === undefined ? Number(length ?? 0) : undefined;
    this.isAwaited = isAwaited;
    this.#request = request;
    this.#response = response;
  }

  get complete(): boolean {
    return this.#request.complete;
  }

  get destroyed(): boolean {
    return this.#request.destroyed;
  }

  listen(listener: BodyListener): void {
    if (this.isAwaited && !this.#response.headersSent) this.#response.writeContinue();
    this.#request.on('data', (chunk: Buffer) => listener.onData(chunk));
    this.#request.on('end', () => listener.onEnd());
    this.#request.on('error', () => listener.onBroken());
  }
}
