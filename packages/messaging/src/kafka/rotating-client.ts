import { withDeadline } from '@kero/runtime';
import { Consumer } from '@platformatic/kafka';
import { type Connection, clientOptions } from './client-options.ts';

const REQUEST_TIMEOUT_MS = 5000;
/** Several requests, one after the other. The clock of the client stops while a request queues; this one does not. */
const DEADLINE_MS = 15_000;
/** A failure that took longer was waited for: some broker hangs. */
const SLOW_MS = 1000;
/** What failed quickly may succeed at the next try. */
const QUICK_FAILURES = 3;

/**
 * A client that makes single requests, never retries by itself, and is replaced after failures by one that asks the next
 * broker first. A client asks the first broker of its list that accepts a connection, and one that hangs accepts it, each
 * time; and a client that remembers a coordinator which is dead and gone from the metadata never looks for the new one.
 */
export class RotatingClient {
  readonly #connection: Connection;
  readonly #role: string;
  readonly #groupId: string;
  readonly #topic: string;
  #rotation: number;
  #client: Consumer;
  #failures = 0;

  constructor(options: { connection: Connection; role: string; groupId: string; topic: string; rotation: number }) {
    this.#connection = options.connection;
    this.#role = options.role;
    this.#groupId = options.groupId;
    this.#topic = options.topic;
    this.#rotation = options.rotation;
    this.#client = this.#newClient();
  }

  /** For requests to a certain broker, whose failure says nothing about the others. */
  get current(): Consumer {
    return this.#client;
  }

  /** Rejects as `work` does, or after 15 s. What the client still does then is cut off with it. */
  async use<T>(work: (client: Consumer) => Promise<T>): Promise<T> {
    const client = this.#client;
    const startedAt = performance.now();
    try {
      const late = () => new Error(`no answer within ${DEADLINE_MS} ms`);
      const result = await withDeadline(work(client), DEADLINE_MS, late);
      this.#failures = 0;
      return result;
    } catch (error) {
      this.#failures++;
      const slow = performance.now() - startedAt > SLOW_MS;
      if (client === this.#client && (slow || this.#failures >= QUICK_FAILURES)) this.#renew();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#client.close(true).catch(() => {});
  }

  #renew(): void {
    this.#failures = 0;
    this.#rotation++;
    void this.close();
    this.#client = this.#newClient();
  }

  #newClient(): Consumer {
    const client = new Consumer({
      ...clientOptions(this.#connection, this.#role, this.#rotation),
      groupId: this.#groupId,
      autocommit: false,
      retries: 0,
      connectTimeout: 2000,
      requestTimeout: REQUEST_TIMEOUT_MS,
      // Whoever needs to know better asks anew.
      metadataMaxAge: 60_000,
    });
    client.topics.track(this.#topic);
    client.on('error', () => {});
    return client;
  }
}
