import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { brotliCompressSync, constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { EmbeddedKero } from '../support/embedded-kero.ts';
import { throwawayFolder } from '../support/kero-process.ts';
import { eventBody, post } from '../support/post-events.ts';

/**
 * The promise for batches: what an answer calls accepted is one row with the id of the answer, in whichever way the batch came and
 * whatever its neighbours were; what it calls rejected is nowhere. Also when the process is killed in the middle of it.
 */

const compress: Record<string, (text: string) => Buffer<ArrayBuffer>> = {
  identity: (text) => Buffer.from(text),
  gzip: (text) => Buffer.from(gzipSync(text)),
  br: (text) => Buffer.from(brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } })),
  zstd: (text) => Buffer.from(zstdCompressSync(text)),
};
const ENCODINGS = Object.keys(compress);
const ITEMS = 200;

const BAD = [
  (id: string) => eventBody(id, { event_data: { item_id: 'x', price: 'a lot' } }),
  (id: string) => eventBody(id, { user_id: '' }),
  (id: string) => eventBody(id, { event_timestamp: '2026-02-30T10:00:00Z' }),
  (id: string) => eventBody(id, { unknown: 1 }),
];

interface Item {
  readonly eventId: string;
  readonly text: string;
  readonly isGood: boolean;
}

/** Every seventh is bad, every eleventh the one before again; every fourth batch is good as a whole, every ninth bad. */
function batchOf(number: number): Item[] {
  const items: Item[] = [];
  for (let n = 0; n < ITEMS; n++) {
    const eventId = `b${number}-${n}`;
    const before = items.at(-1);
    if (before?.isGood && n % 11 === 0) items.push(before);
    else if (number % 4 === 0 || (number % 9 > 0 && n % 7 > 0)) {
      items.push({ eventId, text: eventBody(eventId, { event_data: { item_id: eventId, price: n } }), isGood: true });
    } else items.push({ eventId, text: BAD[n % BAD.length]!(eventId), isGood: false });
  }
  return items;
}

async function send(url: string, number: number, items: readonly Item[]): Promise<Response> {
  const isArray = number % 2 === 0;
  const encoding = ENCODINGS[number % ENCODINGS.length]!;
  const texts = items.map(({ text }) => text);
  const body = compress[encoding]!(isArray ? `[${texts.join(', ')}]` : `${texts.join('\r\n')}\n`);
  return post(url, body, {
    'content-type': isArray ? 'application/json' : 'application/x-ndjson',
    'content-encoding': encoding,
  });
}

interface BatchAnswer {
  readonly ids?: readonly string[];
  readonly results?: readonly { readonly status: string; readonly id?: string }[];
}

/** By event_id: the id of the row, of those that the answer calls accepted. */
async function acceptedOf(answer: Response, items: readonly Item[]): Promise<Map<string, string>> {
  const { ids, results } = (await answer.json()) as BatchAnswer;
  const accepted = new Map<string, string>();
  for (const [index, { eventId, isGood }] of items.entries()) {
    const id = ids?.[index] ?? results?.[index]?.id;
    assert.equal(id !== undefined, isGood, `${eventId}: ${answer.status}`);
    if (id !== undefined) accepted.set(eventId, id);
  }
  return accepted;
}

async function rowsOf(kero: EmbeddedKero): Promise<Map<string | null, string | null>> {
  const rows = await kero.sql('select event_id, id from events');
  assert.equal(new Set(rows.map(([eventId]) => eventId)).size, rows.length, 'no event is there twice');
  return new Map(rows.map(([eventId, id]) => [eventId ?? null, id ?? null]));
}

describe('batches', { timeout: 300_000 }, () => {
  test('end as one row for each event that was called accepted, and none for the others', async (t) => {
    const kero = new EmbeddedKero(t, throwawayFolder(t));
    await kero.start();
    const expected = new Map<string, string>();
    const statuses = new Set<number>();
    const numbers = Array.from({ length: 40 }, (_, number) => number);
    const client = async () => {
      for (let number = numbers.shift(); number !== undefined; number = numbers.shift()) {
        const items = batchOf(number);
        // Some are sent again as a whole: nothing changes.
        for (let times = number % 5 === 0 ? 2 : 1; times > 0; times--) {
          const answer = await send(kero.url, number, items);
          statuses.add(answer.status);
          for (const [eventId, id] of await acceptedOf(answer, items)) expected.set(eventId, id);
        }
      }
    };
    await Promise.all([client(), client(), client(), client()]);
    assert.deepEqual([...statuses].sort(), [202, 207, 422]);
    await kero.drained();
    assert.deepEqual(await rowsOf(kero), expected);
    assert.equal(await kero.count('dead_letters'), 0);
    await kero.stop();
  });

  test('that a kill interrupts lose nothing that was called accepted, and sent again they are stored once', async (t) => {
    const kero = new EmbeddedKero(t, throwawayFolder(t));
    await kero.start();
    const expected = new Map<string, string>();
    const unknown: number[] = [];
    let isKilled = false;
    let number = 0;
    const client = async () => {
      while (!isKilled) {
        const own = number++;
        const items = batchOf(own);
        try {
          const answer = await send(kero.url, own, items);
          for (const [eventId, id] of await acceptedOf(answer, items)) expected.set(eventId, id);
        } catch (error) {
          if (error instanceof assert.AssertionError) throw error;
          unknown.push(own);
        }
      }
    };
    const clients = Promise.all([client(), client(), client()]);
    while (expected.size < 2000) await new Promise((resolve) => setTimeout(resolve, 5));
    await kero.kill();
    isKilled = true;
    await clients;

    await kero.start();
    await kero.drained();
    const rows = await rowsOf(kero);
    for (const [eventId, id] of expected) assert.equal(rows.get(eventId), id, eventId);
    for (const own of unknown) {
      const items = batchOf(own);
      for (const [eventId, id] of await acceptedOf(await send(kero.url, own, items), items)) expected.set(eventId, id);
    }
    await kero.drained();
    assert.deepEqual(await rowsOf(kero), expected);
    await kero.stop();
  });
});
