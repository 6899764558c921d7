import { setTimeout as delay } from 'node:timers/promises';
import type { ContentClass, ContentLine, Outcome, Purpose } from '../ledger-format.ts';
import type { Ledger } from './ledger.ts';
import type { Answer, HttpClient } from './post.ts';

export interface Receiver {
  readonly name: string;
  readonly url: string;
}

/** 408 and 429 promise that nothing was stored and ask to come again. */
const COME_AGAIN = new Set([408, 429]);
const RETRY_FIRST_MS = 500;
const RETRY_MAX_MS = 5_000;
const RETRIES_AT_ONCE = 32;
/** Beyond it clients make no new events: what nobody accepts need not grow without end. */
const MAX_OPEN = 2_000;

interface Open {
  readonly content: ContentLine;
  readonly body: Buffer;
  failures: number;
  dueAt: number;
}

export interface DeliveryCounts {
  attempts: number;
  readonly outcomes: Record<Outcome, number>;
  readonly contents: Record<ContentClass, number>;
}

/**
 * Sends contents and remembers which are still open: those whose outcome is unknown are sent again, later, over another
 * connection, until the outcome is known. Invalid ones too: nobody answered them either.
 */
export class Deliveries {
  readonly counts: DeliveryCounts = {
    attempts: 0,
    outcomes: { ok: 0, no: 0, unknown: 0 },
    contents: { new: 0, conflict: 0, invalid: 0, garbage: 0, foreign: 0, probe: 0 },
  };
  readonly #ledger: Ledger;
  readonly #receivers: readonly Receiver[];
  readonly #clients: readonly HttpClient[];
  readonly #open = new Map<number, Open>();
  #requests = 0;
  #retries = 0;

  constructor(options: { ledger: Ledger; receivers: readonly Receiver[]; clients: readonly HttpClient[] }) {
    this.#ledger = options.ledger;
    this.#receivers = options.receivers;
    this.#clients = options.clients;
  }

  /** Contents whose outcome is not known yet. */
  get open(): number {
    return this.#open.size;
  }

  get isFull(): boolean {
    return this.#open.size >= MAX_OPEN;
  }

  record(content: Omit<ContentLine, 'line' | 'content'>): ContentLine {
    this.counts.contents[content.class]++;
    return this.#ledger.content(content);
  }

  /** Sends once. Resolves to whether the outcome is known now; if it is not, it will be retried unless `retry` is false. */
  async send(content: ContentLine, purpose: Purpose, options: { client: number; retry?: boolean }): Promise<Answer> {
    const open: Open = this.#open.get(content.content) ?? {
      content,
      body: Buffer.from(content.body, content.base64 ? 'base64' : 'utf8'),
      failures: 0,
      dueAt: Number.POSITIVE_INFINITY,
    };
    const answer = await this.#sendOnce(open, purpose, options.client);
    if (purpose === 'resend') return answer;
    if (isKnown(answer)) this.#open.delete(content.content);
    else if (options.retry !== false) this.#comeBack(open);
    return answer;
  }

  /** Retries what is open and due, until `stop`. */
  async retryUntil(stop: AbortSignal): Promise<void> {
    const running = new Set<Promise<unknown>>();
    while (!stop.aborted) {
      const now = performance.now();
      for (const open of this.#open.values()) {
        if (running.size >= RETRIES_AT_ONCE) break;
        if (open.dueAt > now) continue;
        open.dueAt = Number.POSITIVE_INFINITY;
        const client = this.#retries++ % this.#clients.length;
        const retry = this.send(open.content, 'retry', { client }).finally(() => running.delete(retry));
        running.add(retry);
      }
      await delay(20);
    }
    await Promise.all(running);
  }

  /** What waits for its turn is tried at once: the system is healed. */
  hurry(): void {
    for (const open of this.#open.values()) {
      open.failures = 0;
      if (open.dueAt < Number.POSITIVE_INFINITY) open.dueAt = 0;
    }
  }

  #comeBack(open: Open): void {
    open.failures++;
    open.dueAt = performance.now() + Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** (open.failures - 1));
    this.#open.set(open.content.content, open);
  }

  async #sendOnce({ content, body }: Open, purpose: Purpose, client: number): Promise<Answer> {
    const turn = this.#requests++;
    const receiver = this.#receivers[turn % this.#receivers.length];
    const http = this.#clients[client % this.#clients.length];
    if (!receiver || !http) throw new Error('no receiver to send to');
    const { attempt } = await this.#ledger.attempt({ content: content.content, purpose, via: receiver.name });
    this.counts.attempts++;
    const answer = await http.post(receiver.url, body, { keepAlive: turn % 5 !== 0 });
    this.counts.outcomes[answer.outcome]++;
    this.#ledger.outcome({ attempt, ...answer });
    return answer;
  }
}

export function isKnown(answer: Answer): boolean {
  return answer.outcome !== 'unknown' && !COME_AGAIN.has(answer.status ?? 0);
}
