/** What differs from one event to the next one, besides ids and times: a parser that remembers texts must not have it too easy. */
const VARIANTS = [
  '"tags":["new","sale"],"note":"left at the door"',
  '"tags":["gift"],"note":"ring twice, please","channel":"web"',
  '"tags":[],"quantity":3,"currency":"EUR","channel":"app"',
  '"tags":["outlet","summer","b-stock"],"express":true',
];

/** How an event of the load looks: about 240 bytes. Digits are put in where N, U, I and P stand. */
const EVENTS = VARIANTS.map(
  (rest) =>
    '{"event_id":"NNNNNNNNNNNN","user_id":"user-UUUUUU","event_type":"purchase",' +
    '"event_timestamp":"2026-11-23T10:00:00.000000Z",' +
    `"event_data":{"item_id":"item-IIIII","price":1PP.PP,${rest}}}`,
);

const ID_WIDTH = 12;
const USER_WIDTH = 6;
const USUAL_USERS = 10_007;
const ITEM_WIDTH = 5;
const ITEMS = 99_991;
const TIME_WIDTH = 'yyyy-mm-ddThh:mm:ss.mmm'.length;

interface EventPlaces {
  readonly id: number;
  readonly user: number;
  readonly time: number;
  readonly item: number;
  readonly price: number;
}

export interface RequestShape {
  /** 1: a single event, else an array of so many. */
  readonly batch: number;
  readonly headers: Readonly<Record<string, string>>;
  /** How many users the events are about. */
  readonly users?: number;
}

/**
 * One POST whose bytes are made once; for each request only digits change. No two events are the same, by their event_id and also by
 * user and time.
 */
export class EventRequest {
  readonly bytes: Buffer;
  readonly bodyBytes: number;
  readonly #places: readonly EventPlaces[];
  readonly #users: number;

  /** `variant`: with which kind of event it begins. */
  constructor({ batch, headers, users = USUAL_USERS }: RequestShape, variant = 0) {
    this.#users = users;
    const texts = Array.from({ length: batch }, (_, n) => EVENTS[(variant + n) % EVENTS.length] ?? '');
    const events = texts.join(',');
    const body = batch === 1 ? events : `[${events}]`;
    this.bodyBytes = body.length;
    const head = [
      'POST /api/v1/events HTTP/1.1',
      'host: bench',
      'content-type: application/json',
      `content-length: ${body.length}`,
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ].join('\r\n');
    const text = `${head}\r\n\r\n${body}`;
    this.bytes = Buffer.from(text, 'latin1');
    let at = text.length - body.length + (batch === 1 ? 0 : 1);
    this.#places = texts.map((event) => {
      const start = at;
      at += event.length + 1;
      const place = (mark: string) => start + event.indexOf(mark);
      return {
        id: place('NNNN'),
        user: place('UUUU'),
        time: place('2026'),
        item: place('IIII'),
        price: place('PP.'),
      };
    });
  }

  /** Makes it the request with the events from `first` on. The bytes must not be in a socket any more. */
  fill(first: number, now: ClockText): void {
    for (let n = 0; n < this.#places.length; n++) {
      const { id, user, time, item, price } = this.#places[n] as EventPlaces;
      const number = first + n;
      writeDigits(this.bytes, id, ID_WIDTH, number);
      writeDigits(this.bytes, user, USER_WIDTH, number % this.#users);
      writeDigits(this.bytes, item, ITEM_WIDTH, number % ITEMS);
      writeDigits(this.bytes, price, 2, number % 100);
      writeDigits(this.bytes, price + 3, 2, (number * 7) % 100);
      now.bytes.copy(this.bytes, time, 0, TIME_WIDTH);
      writeDigits(this.bytes, time + TIME_WIDTH, 3, number % 1000);
    }
  }
}

/** The time of events, as text to the millisecond. */
export class ClockText {
  readonly bytes = Buffer.alloc(TIME_WIDTH);
  #atMs = -1;

  update(nowMs: number): void {
    if (nowMs === this.#atMs) return;
    this.#atMs = nowMs;
    this.bytes.write(new Date(nowMs).toISOString(), 'latin1');
  }
}

function writeDigits(bytes: Buffer, at: number, width: number, number: number): void {
  let rest = number;
  for (let place = at + width - 1; place >= at; place--) {
    const next = Math.floor(rest / 10);
    bytes[place] = 48 + rest - next * 10;
    rest = next;
  }
}
