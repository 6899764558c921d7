import { ClockText, EventRequest, type RequestShape } from './event-requests.ts';
import { HttpConnection } from './http-connection.ts';
import { Latencies } from './latencies.ts';

export interface LoadOptions extends RequestShape {
  readonly port: number;
  readonly connections: number;
  /** Requests a second; undefined: the next one of a connection as soon as it has its answer. */
  readonly rate?: number | undefined;
  /** The number of the first event. */
  readonly firstNumber?: number;
  /** The status of an answer that says accepted; 202 unless it is told otherwise. */
  readonly acceptedStatus?: number | undefined;
}

/** What came back in a stretch of time. */
export interface LoadFigures {
  readonly seconds: number;
  /** Requests answered with 202, or whatever says accepted. */
  readonly accepted: number;
  /** Events in them. */
  readonly acceptedEvents: number;
  /** Requests answered with something else, by status; `broken`: without an answer. */
  readonly others: Readonly<Record<string, number>>;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** The number after that of the last event. */
  readonly nextNumber: number;
}

const TICK_MS = 1;

interface Client {
  readonly connection: HttpConnection;
  readonly request: EventRequest;
}

/**
 * Requests over some connections: as fast as they are answered, or so many a second. In the second case a request that is late because
 * the others were slow counts from when it was due, not from when it was sent.
 */
export class Load {
  readonly #options: LoadOptions;
  readonly #clients: Client[] = [];
  readonly #idle: Client[] = [];
  readonly #latencies = new Latencies();
  readonly #clock = new ClockText();
  readonly #due: number[] = [];
  #next: number;
  #inFlight = 0;
  #running = true;
  #accepted = 0;
  #others: Record<string, number> = {};
  #since = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #onIdle: (() => void) | undefined;

  private constructor(options: LoadOptions) {
    this.#options = options;
    this.#next = options.firstNumber ?? 0;
  }

  static async start(options: LoadOptions): Promise<Load> {
    const load = new Load(options);
    for (let n = 0; n < options.connections; n++) {
      const connection = new HttpConnection(options.port);
      await connection.connect();
      load.#clients.push({ connection, request: new EventRequest(options, n) });
    }
    load.#since = performance.now();
    if (options.rate === undefined) for (const client of load.#clients) load.#send(client, performance.now());
    else load.#keepRate(options.rate);
    return load;
  }

  /** What came back since the last call. */
  take(): LoadFigures {
    const now = performance.now();
    const latencies = this.#latencies;
    const figures: LoadFigures = {
      seconds: (now - this.#since) / 1000,
      accepted: this.#accepted,
      acceptedEvents: this.#accepted * this.#options.batch,
      others: this.#others,
      p50Ms: latencies.percentile(50),
      p99Ms: latencies.percentile(99),
      maxMs: latencies.maxMs,
      nextNumber: this.#next,
    };
    this.#accepted = 0;
    this.#others = {};
    latencies.clear();
    this.#since = now;
    return figures;
  }

  /** Waits for the answers that are on their way. */
  async stop(): Promise<LoadFigures> {
    this.#running = false;
    clearInterval(this.#timer);
    if (this.#inFlight > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
    for (const { connection } of this.#clients) connection.close();
    return this.take();
  }

  #keepRate(rate: number): void {
    this.#idle.push(...this.#clients);
    const startedAt = performance.now();
    let made = 0;
    this.#timer = setInterval(() => {
      const wanted = ((performance.now() - startedAt) / 1000) * rate;
      for (; made < wanted; made++) this.#due.push(startedAt + (made * 1000) / rate);
      for (;;) {
        const client = this.#due.length > 0 ? this.#idle.pop() : undefined;
        if (!client) return;
        this.#send(client, this.#due.shift() ?? performance.now());
      }
    }, TICK_MS);
  }

  #send(client: Client, dueAt: number): void {
    const { batch, rate } = this.#options;
    this.#clock.update(Date.now());
    client.request.fill(this.#next, this.#clock);
    this.#next += batch;
    this.#inFlight++;
    client.connection.send(client.request.bytes, (status) => {
      this.#inFlight--;
      this.#note(status, dueAt);
      if (status === undefined && this.#running) void this.#reconnect(client);
      else if (!this.#running) {
        if (this.#inFlight === 0) this.#onIdle?.();
      } else if (rate === undefined) this.#send(client, performance.now());
      else this.#sendDue(client);
    });
  }

  #sendDue(client: Client): void {
    const dueAt = this.#due.shift();
    if (dueAt === undefined) this.#idle.push(client);
    else this.#send(client, dueAt);
  }

  #note(status: number | undefined, dueAt: number): void {
    this.#latencies.add(performance.now() - dueAt);
    if (status === (this.#options.acceptedStatus ?? 202)) this.#accepted++;
    else {
      const name = status === undefined ? 'broken' : String(status);
      this.#others[name] = (this.#others[name] ?? 0) + 1;
    }
  }

  async #reconnect(client: Client): Promise<void> {
    await client.connection.connect();
    if (!this.#running) return;
    if (this.#options.rate === undefined) this.#send(client, performance.now());
    else this.#sendDue(client);
  }
}
