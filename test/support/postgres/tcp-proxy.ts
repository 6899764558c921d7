import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** Stands between a client and a server, and can misbehave like a network. */
export class TcpProxy implements AsyncDisposable {
  /** Bytes are taken and go nowhere, in both directions; nobody is told. */
  blackhole = false;
  /** Looks at what a client sends; when it answers true, the bytes go on to the server, and no answer ever comes back. */
  dropAnswersAfter: ((sent: Buffer) => boolean) | undefined;
  readonly #server: Server;
  readonly #target: { host: string; port: number };
  readonly #sockets = new Set<Socket>();

  private constructor(target: { host: string; port: number }) {
    this.#target = target;
    this.#server = createServer((client) => this.#join(client));
  }

  static async start(target: { host: string; port: number }): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Breaks every connection that is open now. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #join(client: Socket): void {
    const server = connect(this.#target);
    let answersDropped = false;
    client.on('data', (bytes: Buffer) => {
      if (this.dropAnswersAfter?.(bytes)) answersDropped = true;
      if (!this.blackhole) server.write(bytes);
    });
    server.on('data', (bytes: Buffer) => {
      if (answersDropped) client.destroy();
      else if (!this.blackhole) client.write(bytes);
    });
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from);
      from.on('error', () => {});
      from.on('close', () => {
        this.#sockets.delete(from);
        if (!this.blackhole) to.destroy();
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
