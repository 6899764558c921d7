import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/**
 * What a network does:
 * - pass: nothing.
 * - cut: every connection is reset, new ones as soon as they come.
 * - delay: bytes arrive later, in both directions.
 * - blackhole: nothing arrives and nobody is told. What was sent meanwhile arrives when it ends, as TCP's repeats do.
 * - drop-answers: what clients send arrives, what the server answers does not; when it ends, those connections break.
 * - silence: connections that are open carry nothing any more, new ones do (a firewall forgot them). When it ends, the
 *   server notices, as it would by its keepalives; the client never hears of it.
 */
export type NetworkState =
  | { readonly kind: 'pass' | 'cut' | 'blackhole' | 'drop-answers' | 'silence' }
  | { readonly kind: 'delay'; readonly delayMs: number };

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  answersLost: boolean;
  silent: boolean;
}

/** Stands between a client and a server and misbehaves on demand. */
export class FaultyProxy implements AsyncDisposable {
  readonly name: string;
  readonly #target: () => { host: string; port: number };
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  #state: NetworkState = { kind: 'pass' };

  private constructor(name: string, target: () => { host: string; port: number }) {
    this.name = name;
    this.#target = target;
    this.#server = createServer((client) => this.#join(client));
  }

  /** `target` is asked at each connection, because a server may come back on another port. */
  static async start(name: string, target: () => { host: string; port: number }): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(name, target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  set(state: NetworkState): void {
    this.#state = state;
    for (const pair of this.#pairs) {
      if (pair.silent) {
        pair.server.resetAndDestroy();
        continue;
      }
      if (state.kind === 'cut' || pair.answersLost) breakPair(pair);
      pair.silent = state.kind === 'silence';
      for (const socket of [pair.client, pair.server]) {
        if (state.kind === 'blackhole' || pair.silent) socket.pause();
        else socket.resume();
      }
    }
  }

  #join(client: Socket): void {
    if (this.#state.kind === 'cut') {
      client.resetAndDestroy();
      return;
    }
    const server = connect(this.#target());
    const pair: Pair = { client, server, answersLost: false, silent: false };
    this.#pairs.add(pair);
    this.#forward(pair, client, server);
    this.#forward(pair, server, client);
  }

  #forward(pair: Pair, from: Socket, to: Socket): void {
    from.setNoDelay(true);
    from.on('data', (bytes: Buffer) => {
      if (this.#state.kind === 'drop-answers' && from === pair.server) {
        pair.answersLost = true;
      } else if (this.#state.kind === 'delay') {
        setTimeout(() => this.#write(pair, from, to, bytes), this.#state.delayMs);
      } else {
        this.#write(pair, from, to, bytes);
      }
    });
    from.on('error', () => {});
    from.on('end', () => this.#after(() => to.end()));
    from.on('close', () => {
      if (pair.silent) return;
      this.#pairs.delete(pair);
      this.#after(() => to.destroy());
    });
    if (this.#state.kind === 'blackhole') from.pause();
  }

  #write(pair: Pair, from: Socket, to: Socket, bytes: Buffer): void {
    if (to.destroyed || to.write(bytes)) return;
    from.pause();
    to.once('drain', () => {
      if (this.#state.kind !== 'blackhole' && !pair.silent) from.resume();
    });
  }

  /** An end must not overtake bytes that are late. */
  #after(action: () => void): void {
    if (this.#state.kind === 'delay') setTimeout(action, this.#state.delayMs + 1);
    else action();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pair of this.#pairs) breakPair(pair);
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function breakPair({ client, server }: Pair): void {
  client.resetAndDestroy();
  server.resetAndDestroy();
}
