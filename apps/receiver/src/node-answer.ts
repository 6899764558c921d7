import type { ServerResponse } from 'node:http';
import type { AnswerKind } from './answer-kind.ts';
import type { Answer } from './exchange.ts';

/** The answer to a request that node:http has read. */
export class NodeAnswer implements Answer {
  readonly #response: ServerResponse;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  get shouldKeepAlive(): boolean {
    return this.#response.shouldKeepAlive;
  }

  set shouldKeepAlive(value: boolean) {
    this.#response.shouldKeepAlive = value;
  }

  get headersSent(): boolean {
    return this.#response.headersSent;
  }

  get writableFinished(): boolean {
    return this.#response.writableFinished;
  }

  get destroyed(): boolean {
    return this.#response.destroyed;
  }

  begin(kind: AnswerKind, own: readonly string[], body: string | Buffer): void {
    this.#writeHead(kind, own, body);
    this.#response.write(body);
  }

  send(kind: AnswerKind, own: readonly string[], body: string | Buffer): void {
    this.#writeHead(kind, own, body);
    this.#response.end(body);
  }

  end(): void {
    this.#response.end();
  }

  once(event: 'close', listener: () => void): void {
    this.#response.once(event, listener);
  }

  off(event: 'close', listener: () => void): void {
    this.#response.off(event, listener);
  }

  destroy(): void {
    this.#response.destroy();
  }

  #writeHead({ status, headers }: AnswerKind, own: readonly string[], body: string | Buffer): void {
    // RFC 9110, 8.6: 204 has none.
    const length = status === 204 ? [] : ['content-length', String(Buffer.byteLength(body))];
    this.#response.writeHead(status, [...length, ...headers, ...own]);
  }
}
