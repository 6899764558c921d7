/// <reference lib="esnext.disposable" preserve="true" />
import { KeroClientError } from './errors.ts';
import { type AnyEventTypes, type EventOf, type KeroEvent, type PreparedEvent, prepareEvent } from './event.ts';
import { Lane } from './lane.ts';
import { type ClientOptions, readOptions } from './options.ts';
import { type Accepted, PendingEvent } from './pending-event.ts';
import { createPostBatch } from './post-batch.ts';
import { Room } from './room.ts';

/** What became of one event of `sendBatch()`. */
export type SendResult =
  | ({ readonly ok: true } & Accepted)
  | {
      readonly ok: false;
      /** Ask its `code` or `retryable`; its `event` can be sent again. */
      readonly error: KeroClientError;
    };

/** Sends events to one receiver. `Types` maps each `event_type` to the type of its `event_data`. */
export interface KeroClient<Types = AnyEventTypes> {
  /**
   * Sends one event, together with others that are sent about now. Resolves when the receiver has it safely in its log.
   * The event is read at once: what is done to the object afterwards does not matter.
   *
   * Rejects with a {@link KeroClientError}: `refused`, `unknown_outcome`, `not_sent`, `buffer_full`, `invalid_event` or `closed`.
   */
  send(event: EventOf<Types>): Promise<Accepted>;
  /**
   * Sends many events, as many requests as that takes, and waits for room where `send()` would reject with `buffer_full`.
   * Resolves with one result for each, in their order. Never rejects.
   */
  sendBatch(events: readonly EventOf<Types>[]): Promise<SendResult[]>;
  /** Resolves when there is room for more: at once, or when half of `maxBuffered` is free again. */
  ready(): Promise<void>;
  /** Sends what waits for others, and resolves when everything sent so far has its outcome. Never rejects. */
  flush(): Promise<void>;
  /**
   * Takes no more events, and resolves when all those it has have their outcome, which takes `deadlineMs` at most; with
   * `timeoutMs` no longer than that: what is open then rejects with `unknown_outcome` or `not_sent`. May be called again.
   */
  close(options?: { readonly timeoutMs?: number }): Promise<void>;
  /** `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Parts of the world that tests replace. */
export interface Surroundings {
  /** From 0 to below 1. */
  readonly random: () => number;
}

/**
 * A client of one receiver. Make one and keep it: it gathers the events of all callers into batches.
 *
 * @throws KeroClientError `invalid_options`
 */
export function createClient<Types extends { [Type in keyof Types]: object } = AnyEventTypes>(
  options: ClientOptions,
): KeroClient<Types> {
  return new Client(options, { random: Math.random }) as KeroClient<Types>;
}

/** See KeroClient. */
export class Client implements KeroClient {
  readonly #settings: ReturnType<typeof readOptions>;
  readonly #lanes: readonly Lane[];
  readonly #room: Room;
  readonly #pending = new Set<PendingEvent>();
  readonly #batches = new Set<Promise<SendResult[]>>();
  readonly #giveUp = new AbortController();
  #flushes = 0;
  #closing: Promise<void> | undefined;

  constructor(options: ClientOptions, { random }: Surroundings) {
    const settings = readOptions(options);
    this.#settings = settings;
    this.#room = new Room(settings.maxBufferedEvents, settings.maxBufferedBytes);
    const post = createPostBatch(settings);
    const giveUp = this.#giveUp.signal;
    this.#lanes = Array.from({ length: settings.concurrency }, () => new Lane({ settings, post, giveUp, random }));
    // Missing in Node before 20.4 and in some browsers, where nobody can write `await using` either.
    if (Symbol.asyncDispose) Object.defineProperty(this, Symbol.asyncDispose, { value: () => this.close() });
  }

  /** Set by the constructor. */
  declare readonly [Symbol.asyncDispose]: () => Promise<void>;

  async send(event: KeroEvent): Promise<Accepted> {
    if (this.#closing !== undefined) throw new KeroClientError('closed', 'the client is closed', { event });
    const prepared = prepareEvent(event, this.#settings.source, new Date());
    if (this.#room.isFull) {
      const details = { event: prepared.event, eventJson: textOf(prepared) };
      throw new KeroClientError(
        'buffer_full',
        'too many events wait to be sent: wait for ready(), or use sendBatch()',
        details,
      );
    }
    return this.#admit(prepared);
  }

  async sendBatch(events: readonly KeroEvent[]): Promise<SendResult[]> {
    if (this.#closing !== undefined) {
      return events.map((event) => ({
        ok: false,
        error: new KeroClientError('closed', 'the client is closed', { event }),
      }));
    }
    const now = new Date();
    const batch = this.#sendAll(events.map((event) => this.#prepare(event, now)));
    this.#batches.add(batch);
    try {
      return await batch;
    } finally {
      this.#batches.delete(batch);
    }
  }

  ready(): Promise<void> {
    return this.#room.ready();
  }

  async flush(): Promise<void> {
    this.#flushes++;
    for (const lane of this.#lanes) lane.hurry();
    await Promise.allSettled([...this.#batches, ...[...this.#pending].map(({ promise }) => promise)]);
    this.#flushes--;
  }

  close({ timeoutMs }: { readonly timeoutMs?: number } = {}): Promise<void> {
    this.#closing ??= this.flush();
    if (timeoutMs === undefined) return this.#closing;
    const timer = setTimeout(() => this.#abandon(timeoutMs), timeoutMs);
    return this.#closing.finally(() => clearTimeout(timer));
  }

  #prepare(event: KeroEvent, now: Date): PreparedEvent | KeroClientError {
    try {
      return prepareEvent(event, this.#settings.source, now);
    } catch (error) {
      if (error instanceof KeroClientError) return error;
      throw error;
    }
  }

  async #sendAll(events: readonly (PreparedEvent | KeroClientError)[]): Promise<SendResult[]> {
    const results: Promise<SendResult>[] = [];
    for (const event of events) {
      if (event instanceof KeroClientError) {
        results.push(Promise.resolve({ ok: false, error: event }));
        continue;
      }
      while (this.#room.isFull) await this.#room.ready();
      results.push(
        this.#admit(event).then(
          (accepted): SendResult => ({ ok: true, ...accepted }),
          (error: KeroClientError): SendResult => ({ ok: false, error }),
        ),
      );
    }
    return Promise.all(results);
  }

  #admit(prepared: PreparedEvent): Promise<Accepted> {
    const pending = new PendingEvent(prepared, this.#settings.deadlineMs, (settled) => {
      this.#pending.delete(settled);
      this.#room.leave(settled.bytes);
    });
    this.#pending.add(pending);
    this.#room.enter(pending.bytes);
    if (this.#giveUp.signal.aborted) pending.giveUp('the client was closed');
    else this.#laneOf(pending.userId).add(pending, this.#flushes > 0);
    return pending.promise;
  }

  /** Always the same one for a user, which is what keeps their events in order. */
  #laneOf(userId: string): Lane {
    let hash = 0;
    for (let index = 0; index < userId.length; index++) hash = (Math.imul(hash, 31) + userId.charCodeAt(index)) >>> 0;
    const lane = this.#lanes[hash % this.#lanes.length];
    if (!lane) throw new Error('a client has at least one lane');
    return lane;
  }

  #abandon(timeoutMs: number): void {
    this.#giveUp.abort(new Error(`the client was closed, and ${timeoutMs} ms passed`));
    for (const pending of this.#pending) pending.giveUp(`the client was closed, and ${timeoutMs} ms passed`);
  }
}

function textOf({ line }: PreparedEvent): string {
  return new TextDecoder().decode(line).trimEnd();
}
