/** What a demo request is meant to become. */
export type DemoKind = 'new' | 'repeat' | 'conflict' | 'bad';

export interface DemoRequest {
  readonly kind: DemoKind;
  /** The body as it is posted. */
  readonly body: string;
  /** The price as it stands in the body, for what is stored. */
  readonly price?: string;
}

/** Prices that do not survive a trip through a double, or lose their digits when printed again. */
const EXACT_PRICES = [
  '19.90',
  '0.10',
  '9007199254740993',
  '1234567890123456789.123456789',
  '0.000000000000000000001',
  '100.00',
];

const START_MS = Date.UTC(2026, 0, 1);
/** Small enough that no demo reaches the future. */
const STEP_MS = 1000;
const SOURCE = 'demo-shop';

function eventBody(n: number, price: string): string {
  const timestamp = new Date(START_MS + n * STEP_MS).toISOString();
  return `{"event_id":"order-${n}","source":"${SOURCE}","user_id":"user-${n % 97}","event_type":"purchase","event_timestamp":"${timestamp}","event_data":{"item_id":"item-${n % 13}","price":${price},"tags":["demo"]}}`;
}

/** New events, the first few with prices that need exact decimals. */
export function newEvents(count: number): DemoRequest[] {
  return Array.from({ length: count }, (_, n) => {
    const price = EXACT_PRICES[n] ?? `${1 + (n % 400)}.${String(n % 100).padStart(2, '0')}`;
    return { kind: 'new', body: eventBody(n, price), price };
  });
}

/** The same events once more, byte for byte, as a client sends them that did not see the answer. */
export function repeats(events: readonly DemoRequest[], every: number): DemoRequest[] {
  return events.filter((_, n) => n % every === 0).map(({ body }) => ({ kind: 'repeat', body }));
}

/** Ids that are taken, with other content: a bug of the client that must not pass unseen. */
export function conflicts(count: number): DemoRequest[] {
  return Array.from({ length: count }, (_, n) => ({ kind: 'conflict', body: eventBody(n, '99999') }));
}

/** Bodies that are refused, each for another reason. */
export function badEvents(count: number): DemoRequest[] {
  const good = eventBody(0, '1');
  const kinds = [
    good.slice(0, -1),
    good.replace('"user_id":"user-0",', ''),
    good.replace('"user_id":"user-0"', '"user_id":"user-0","user_id":"user-1"'),
    good.replace('"price":1', '"price":"1,50"'),
    good.replace('"event_type":"purchase"', '"event_type":"purchase\\u0000"'),
    good.replace(/"event_timestamp":"[^"]*"/, '"event_timestamp":"2026-02-30T00:00:00Z"'),
    good.replace('"price":1', '"price":1e999'),
    good.replace('"source"', '"sauce"'),
  ];
  return Array.from({ length: count }, (_, n) => ({ kind: 'bad', body: kinds[n % kinds.length] ?? good }));
}

/** Mixes several lists evenly, so that good and bad requests come side by side. */
export function interleave(...lists: readonly (readonly DemoRequest[])[]): DemoRequest[] {
  return lists
    .flatMap((list) => list.map((request, n) => ({ request, place: (n + 0.5) / list.length })))
    .sort((a, b) => a.place - b.place)
    .map(({ request }) => request);
}
