import { setTimeout as delay } from 'node:timers/promises';
import type { ContentLine } from '../ledger-format.ts';
import type { Random } from '../random.ts';
import { type Deliveries, isKnown } from './deliveries.ts';
import { conflictingEvent, type EventParts, validEvent } from './events.ts';
import { invalidEvent } from './invalid-events.ts';

export interface LoadOptions {
  readonly random: Random;
  /** Part of every marker. */
  readonly run: string;
  readonly clients: number;
  /** Events a second of all clients together. */
  readonly rate: number;
}

const CONFLICT_SHARE = 0.02;
const INVALID_SHARE = 0.05;
const RESEND_SHARE = 0.05;
const USERS = 300;
const NASTY_USERS = ['Zoë 🦊', "o'neil", 'a\\b', 'tab\there', '{"json":1}', '../../etc/passwd', '🦊'.repeat(100)];
/** Of each client: users whose events go one after the other, so that their order can be checked. */
const ORDERED_USERS = 1;
const ORDERED_PAUSE_MS = 200;
/** Per client. Beyond it the client is late rather than larger. */
const MAX_IN_FLIGHT = 64;
/** Of each client, so that the numbers of two never meet. */
const NUMBERS_OF_A_CLIENT = 1_000_000;
const REMEMBERED = 200;

/**
 * The clients: each sends at its own pace whether or not answers come (open loop), and what its n-th event contains depends on
 * the seed alone. Which of the accepted ones are sent again depends on what was accepted.
 */
export async function runLoad(deliveries: Deliveries, options: LoadOptions, stop: AbortSignal): Promise<void> {
  const clients = Array.from({ length: options.clients }, (_, client) => [
    runClient(deliveries, options, client, stop),
    ...Array.from({ length: ORDERED_USERS }, (_, n) => runOrderedUser(deliveries, options, { client, n }, stop)),
  ]);
  await Promise.all(clients.flat());
}

async function runClient(
  deliveries: Deliveries,
  options: LoadOptions,
  client: number,
  stop: AbortSignal,
): Promise<void> {
  const { run } = options;
  const plan = options.random.fork(`client ${client}`);
  const again = options.random.fork(`resend ${client}`);
  const originals: EventParts[] = [];
  const accepted: ContentLine[] = [];
  const running = new Set<Promise<unknown>>();
  const everyMs = (1000 * options.clients) / options.rate;
  let startedAt = performance.now();

  const send = (content: ContentLine, purpose: 'first' | 'resend') => {
    const sending = deliveries.send(content, purpose, { client }).then((answer) => {
      if (answer.outcome === 'ok' && purpose === 'first') remember(accepted, content);
    });
    const tracked = sending.finally(() => running.delete(tracked));
    running.add(tracked);
  };

  for (let n = 0; !stop.aborted; n++) {
    const lateMs = performance.now() - startedAt - n * everyMs;
    if (lateMs < 0) await delay(-lateMs);
    while (running.size >= MAX_IN_FLIGHT && !stop.aborted) await Promise.race(running);
    const fullSince = performance.now();
    while (deliveries.isFull && !stop.aborted) await delay(50);
    // What was not made meanwhile is not made up for.
    startedAt += performance.now() - fullSince;
    if (stop.aborted) break;

    const random = plan.fork(n);
    const unique = client * NUMBERS_OF_A_CLIENT + n;
    const roll = random.next();
    const original = originals.length > 0 ? random.pick(originals) : undefined;
    if (roll < CONFLICT_SHARE && original) {
      send(deliveries.record(conflictingEvent(random, original, { run, unique })), 'first');
    } else if (roll < CONFLICT_SHARE + INVALID_SHARE) {
      send(deliveries.record(invalidEvent(random, { user: userOf(random), run, unique })), 'first');
    } else {
      const made = validEvent(random, { user: userOf(random), run, unique });
      remember(originals, made.parts);
      send(deliveries.record(made.content), 'first');
      // At the same moment, so that the two race through the pipeline.
      if (random.chance(CONFLICT_SHARE / 4)) {
        const twin = conflictingEvent(random, made.parts, { run, unique: unique + NUMBERS_OF_A_CLIENT / 2 });
        send(deliveries.record(twin), 'first');
      }
    }
    if (accepted.length > 0 && again.chance(RESEND_SHARE)) send(again.pick(accepted), 'resend');
  }
  await Promise.all(running);
}

/** One event after the other, each until it is known to be in: its user's order is promised then. */
async function runOrderedUser(
  deliveries: Deliveries,
  { random, run, clients }: LoadOptions,
  { client, n }: { client: number; n: number },
  stop: AbortSignal,
): Promise<void> {
  const user = `ordered-${client}-${n}`;
  const base = (clients + client * ORDERED_USERS + n) * NUMBERS_OF_A_CLIENT;
  for (let seq = 0; !stop.aborted; seq++) {
    const made = validEvent(random.fork(`${user} ${seq}`), { user, run, unique: base + seq, seq });
    const content = deliveries.record(made.content);
    let answer = await deliveries.send(content, 'first', { client });
    while (!isKnown(answer)) {
      // Over another connection each time; what is open when the load stops is retried with the rest.
      if (stop.aborted) return;
      await delay(ORDERED_PAUSE_MS * 2);
      answer = await deliveries.send(content, 'retry', { client: client + seq, retry: false });
    }
    await delay(ORDERED_PAUSE_MS);
  }
}

/** A few users have most of the events. */
function userOf(random: Random): string {
  if (random.chance(0.05)) return random.pick(NASTY_USERS);
  return `user-${Math.floor(USERS * random.next() ** 3)}`;
}

function remember<T>(list: T[], item: T): void {
  list.push(item);
  if (list.length > REMEMBERED) list.shift();
}
