import { KeroError } from '@kero/runtime';
import type pg from 'pg';
import { databaseError } from '../database-errors.ts';
import { leavesConnectionUsable, toDatabaseError } from './classify-error.ts';
import { type ConnectedClient, connectWritable, type ServerAddress, type SessionLimits } from './client.ts';

export interface PoolOptions {
  readonly server: ServerAddress;
  readonly limits: SessionLimits;
  readonly maxConnections: number;
  /** Looks at each new connection before its first use; what it throws is the answer to the caller. */
  readonly onConnect: (client: pg.Client) => Promise<void>;
  /** How long close() lets running work go on, in milliseconds. */
  readonly closeGraceMs: number;
}

/** How the last contact with the database ended. */
export type PoolState = { readonly up: true } | { readonly up: false; readonly reason: string };

interface PooledClient extends ConnectedClient {
  broken: boolean;
}

/**
 * A few connections to whichever host of a list takes writes at the moment. The library's own pool knows one host only,
 * and keeps connections to a server that was demoted.
 *
 * An error of which it is not certain that the connection survived it closes the connection, and with it every idle one:
 * what broke one mostly broke all of them.
 */
export class ConnectionPool {
  readonly #options: PoolOptions;
  readonly #idle: PooledClient[] = [];
  readonly #waiting: ((slot: 'free' | 'closed') => void)[] = [];
  /** The connections at work; a slot may also be busy connecting. */
  readonly #working = new Set<PooledClient>();
  #busy = 0;
  #closed = false;
  #drained: (() => void) | undefined;
  #state: PoolState = { up: true };
  #answeredAt = performance.now();

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  get state(): PoolState {
    return this.#state;
  }

  /** How long ago the database last did what it was asked to, in milliseconds. */
  get quietMs(): number {
    return performance.now() - this.#answeredAt;
  }

  /**
   * Runs `work` on a connection of its own. Whatever goes wrong comes out as KeroError; `doing` completes its message.
   */
  async use<T>(doing: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
    await this.#takeSlot();
    let pooled: PooledClient | undefined;
    try {
      pooled = this.#idle.pop() ?? (await this.#open());
      if (this.#closed) throw closedError();
      this.#working.add(pooled);
      const result = await work(pooled.client);
      this.#state = { up: true };
      this.#answeredAt = performance.now();
      return result;
    } catch (error) {
      if (pooled && !leavesConnectionUsable(error) && !isOurs(error)) {
        pooled.broken = true;
        this.#discardIdle();
      }
      throw this.#note(isOurs(error) ? error : toDatabaseError(error, doing));
    } finally {
      this.#release(pooled);
    }
  }

  /** Lets running work finish, and after a while breaks it off: it rejects with `database_unavailable`. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const wake of this.#waiting.splice(0)) wake('closed');
    this.#discardIdle();
    if (this.#busy === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#drained = resolve;
    const timer = setTimeout(() => {
      for (const { client } of this.#working) endQuietly(client);
    }, this.#options.closeGraceMs);
    await promise;
    clearTimeout(timer);
  }

  async #takeSlot(): Promise<void> {
    if (this.#closed) throw closedError();
    if (this.#busy < this.#options.maxConnections) {
      this.#busy++;
      return;
    }
    const slot = await new Promise<'free' | 'closed'>((resolve) => this.#waiting.push(resolve));
    if (slot === 'closed') throw closedError();
  }

  async #open(): Promise<PooledClient> {
    const connected = await connectWritable(this.#options.server, this.#options.limits);
    const pooled: PooledClient = { ...connected, broken: false };
    const drop = () => {
      pooled.broken = true;
      const index = this.#idle.indexOf(pooled);
      if (index >= 0) this.#idle.splice(index, 1);
    };
    pooled.client.on('error', drop);
    pooled.client.on('end', drop);
    try {
      await this.#options.onConnect(pooled.client);
    } catch (error) {
      endQuietly(pooled.client);
      throw error;
    }
    return pooled;
  }

  #release(pooled: PooledClient | undefined): void {
    if (pooled) {
      this.#working.delete(pooled);
      if (pooled.broken || this.#closed) endQuietly(pooled.client);
      else this.#idle.push(pooled);
    }
    const next = this.#waiting.shift();
    if (next) {
      next('free');
      return;
    }
    this.#busy--;
    if (this.#busy === 0) this.#drained?.();
  }

  #discardIdle(): void {
    for (const { client } of this.#idle.splice(0)) endQuietly(client);
  }

  #note(error: KeroError): KeroError {
    this.#state = error.code === 'data_refused' ? { up: true } : { up: false, reason: error.message };
    return error;
  }
}

function isOurs(error: unknown): error is KeroError {
  return error instanceof KeroError;
}

/** The library destroys the socket of a client that is still waiting for an answer, so this never waits for the server. */
function endQuietly(client: pg.Client): void {
  client.end().catch(() => {});
}

function closedError(): KeroError {
  return databaseError('database_unavailable', 'the database is being closed');
}
