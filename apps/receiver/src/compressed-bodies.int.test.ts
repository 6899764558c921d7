import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  brotliCompressSync,
  constants,
  createBrotliCompress,
  createGzip,
  createZstdCompress,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib';
import type { Producer } from '@kero/messaging';
import { EVENT, postHead, problemOf, rawConnection, startTestReceiver, untilTrue } from './receiver-under-test.ts';

const ENCODINGS = {
  gzip: { compress: gzipSync, create: createGzip },
  // Its default quality takes seconds.
  br: {
    compress: (text: string) => brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }),
    create: createBrotliCompress,
  },
  zstd: { compress: zstdCompressSync, create: createZstdCompress },
} as const;

const event = (eventId: string | number) => JSON.stringify({ ...EVENT, event_id: String(eventId) });

/** Text that no compression makes small. */
function noise(bytes: number, seed = 0): string {
  let state = 88_172_645 + seed;
  let text = '';
  while (text.length < bytes) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    text += (state >>> 0).toString(36);
  }
  return text.slice(0, bytes);
}

function visit(text: string): string {
  return JSON.stringify({ ...EVENT, event_type: 'visit', event_data: { text } });
}

/** A bomb of that many bytes, made without holding them. */
async function bombOf(
  bytes: number,
  { create }: (typeof ENCODINGS)[keyof typeof ENCODINGS],
  fill = 0,
): Promise<Buffer> {
  const stream = create();
  const pieces: Buffer[] = [];
  stream.on('data', (piece: Buffer) => pieces.push(piece));
  const ended = new Promise((resolve) => stream.once('end', resolve));
  const piece = Buffer.alloc(1024 ** 2, fill);
  for (let left = bytes; left > 0; left -= piece.length) {
    if (!stream.write(piece)) await new Promise((resolve) => stream.once('drain', resolve));
  }
  stream.end();
  await ended;
  return Buffer.concat(pieces);
}

for (const [encoding, way] of Object.entries(ENCODINGS)) {
  const { compress } = way;
  const header = { 'content-encoding': encoding };

  describe(`a body in ${encoding}`, () => {
    test('is what it was before it was compressed: an event, an array, lines', async (t) => {
      const kero = await startTestReceiver(t);
      const one = event('one').replace('19.9', '19.90');
      assert.equal((await kero.post(compress(one), header)).status, 202);
      assert.equal((await kero.post(compress(`[${event('a')},${event('b')}]`), header)).json.accepted, 2);
      const lines = { ...header, 'content-type': 'application/x-ndjson' };
      assert.equal((await kero.post(compress(`${event('c')}\n{}\n`), lines)).status, 207);
      assert.equal(kero.receiver.counts.bytesInFlight, 0);
      assert.deepEqual(
        (await kero.records()).map(({ value }) => String(value)),
        [one, event('a'), event('b'), event('c')],
      );
    });

    test('may be large: it is decompressed beside other work', async (t) => {
      const kero = await startTestReceiver(t);
      const items = Array.from({ length: 4000 }, (_, n) => visit(noise(50, n)));
      const body = compress(`[${items}]`);
      assert.ok(body.length > 50_000);
      const answers = await Promise.all([0, 1, 2].map(() => kero.post(body, header)));
      for (const answer of answers) assert.equal(answer.json.accepted, 4000, answer.text.slice(0, 300));
      const stored = (await kero.records()).map(({ value }) => String(value));
      assert.deepEqual(stored.sort(), [...items, ...items, ...items].sort());
    });

    test('that is damaged, cut off or goes on behind its end is 400, and nothing of it is in the log', async (t) => {
      const kero = await startTestReceiver(t);
      // Small ones are decompressed at once and large ones in pieces; both have to notice.
      for (const whole of [
        compress(event('a')),
        compress(`[${Array.from({ length: 3000 }, (_, n) => visit(noise(20, n)))}]`),
      ]) {
        const bodies: [what: string, body: Buffer, detail: RegExp][] = [
          ['cut off', whole.subarray(0, -1), /ends too early/],
          ['cut in half', whole.subarray(0, whole.length >> 1), /ends too early/],
          ['with garbage behind', Buffer.concat([whole, Buffer.from('garbage')]), /more bytes behind its end/],
          ['with zeros behind', Buffer.concat([whole, Buffer.alloc(4)]), /more bytes behind its end/],
          ['twice', Buffer.concat([whole, whole]), /more bytes behind its end/],
          [
            'something else',
            Buffer.from(`${event('a')}     `.repeat(whole.length > 20_000 ? 300 : 1)),
            /damaged|ends too early/,
          ],
        ];
        for (const [what, body, detail] of bodies) {
          const problem = problemOf(await kero.post(body, header), 400, 'invalid_compression');
          assert.match(problem.detail, detail, what);
        }
        const flipped = Buffer.from(whole);
        for (let at = 12; at < whole.length; at += Math.ceil(whole.length / 40))
          flipped[at] = (flipped[at] ?? 0) ^ 0x55;
        const { status } = await kero.post(flipped, header);
        // Brotli has no checksum: what comes out of the damage may be "valid", and then is no JSON.
        assert.equal(status, 400);
      }
      assert.equal(kero.receiver.counts.bytesInFlight, 0);
      assert.deepEqual(await kero.records(), []);
    });

    test('without bytes, or without bytes in it, is empty', async (t) => {
      const kero = await startTestReceiver(t);
      problemOf(await kero.post('', header), 400, 'empty_body');
      problemOf(await kero.post(compress(''), header), 400, 'empty_body');
      problemOf(await kero.post(compress(' \n'), header), 400, 'empty_body');
    });

    test('of RECEIVER_MAX_DECOMPRESSED bytes passes, one more is 413 and names the limit', async (t) => {
      for (const limit of [20_000, 400_000]) {
        const settings = { RECEIVER_MAX_DECOMPRESSED: String(limit), EVENTS_MAX_BYTES: '1MiB' };
        const kero = await startTestReceiver(t, { settings });
        const text = visit(noise(limit));
        const fitting = text.replace(noise(limit), noise(limit - (text.length - limit)));
        assert.equal(fitting.length, limit);
        assert.equal((await kero.post(compress(fitting), header)).status, 202);
        const problem = problemOf(await kero.post(compress(`${fitting} `), header), 413, 'body_too_large');
        assert.match(problem.detail, new RegExp(`${limit} bytes \\(RECEIVER_MAX_DECOMPRESSED\\)`));
        assert.equal(kero.receiver.counts.bytesInFlight, 0);
        assert.deepEqual(
          (await kero.records()).map(({ value }) => String(value)),
          [fitting],
        );
      }
    });

    test('that becomes RECEIVER_MAX_RATIO times as large passes, more is 413 and names the limit', async (t) => {
      const text = `[${event('a')}${' '.repeat(300_000)}]`;
      const body = compress(text);
      const ratio = text.length / body.length;
      const settings = (maxRatio: number) => ({ RECEIVER_MAX_BODY: '2000', RECEIVER_MAX_RATIO: String(maxRatio) });
      assert.ok(ratio > 100);
      const generous = await startTestReceiver(t, { settings: settings(Math.ceil(ratio)) });
      assert.equal((await generous.post(body, header)).status, 202);
      const strict = await startTestReceiver(t, { settings: settings(Math.ceil(ratio) - 1) });
      const problem = problemOf(await strict.post(body, header), 413, 'body_too_large');
      assert.match(problem.detail, /RECEIVER_MAX_RATIO/);
      // What might have been sent uncompressed is never refused for its ratio.
      assert.equal((await strict.post(compress(event('b').padEnd(2000, ' ')), header)).status, 202);
      assert.equal((await strict.records()).length, 1);
    });

    test('that is a bomb is refused with little memory, while others are served', async (t) => {
      const kero = await startTestReceiver(t);
      const bomb = await bombOf(200 * 1024 ** 2, way);
      assert.ok(bomb.length < 1024 ** 2, `${bomb.length} bytes`);
      // 200 times as large is allowed: this one has to be stopped by the limit of bytes.
      const settings = { RECEIVER_MAX_RATIO: '1000000' };
      const withoutRatio = await startTestReceiver(t, { settings });
      await kero.post(bomb, header);
      const before = process.memoryUsage().rss;
      let highest = before;
      const watch = setInterval(() => (highest = Math.max(highest, process.memoryUsage().rss)), 5);
      t.after(() => clearInterval(watch));
      const bombs = Promise.all(Array.from({ length: 20 }, (_, n) => (n % 2 ? kero : withoutRatio).post(bomb, header)));
      assert.equal((await kero.post(event('a'))).status, 202);
      for (const answer of await bombs) {
        // Together they may also meet RECEIVER_MAX_IN_FLIGHT.
        if (answer.status === 503) problemOf(answer, 503, 'overloaded');
        else problemOf(answer, 413, 'body_too_large');
      }
      clearInterval(watch);
      const grown = (highest - before) / 1024 ** 2;
      assert.ok(grown < 250, `${grown.toFixed()} MiB of twenty bombs of 200 MiB`);
      assert.equal(kero.receiver.counts.bytesInFlight + withoutRatio.receiver.counts.bytesInFlight, 0);
      assert.equal((await kero.records()).length, 1);
    });
  });
}

test('a zstd frame that wants a window of more than 8 MiB is refused', async (t) => {
  const kero = await startTestReceiver(t, { settings: { RECEIVER_MAX_DECOMPRESSED: '32MiB' } });
  const large = `[${event('a')}${' '.repeat(20 * 1024 ** 2)}]`;
  const compress = (windowLog: number) =>
    zstdCompressSync(large, { params: { [constants.ZSTD_c_windowLog]: windowLog } });
  const header = { 'content-encoding': 'zstd' };
  const settings = { RECEIVER_MAX_DECOMPRESSED: '32MiB', RECEIVER_MAX_RATIO: '1000000' };
  const generous = await startTestReceiver(t, { settings });
  const problem = problemOf(await kero.post(compress(24), header), 400, 'invalid_compression');
  assert.match(problem.detail, /8 MiB/);
  assert.equal((await generous.post(compress(23), header)).status, 202);
});

test('gzip is also called x-gzip, and names of encodings have no case', async (t) => {
  const kero = await startTestReceiver(t);
  for (const encoding of ['x-gzip', 'GZIP', ' gzip ']) {
    assert.equal((await kero.post(gzipSync(event('a')), { 'content-encoding': encoding })).status, 202, encoding);
  }
});

test('a body counts as in flight by its decompressed bytes while it waits for the log', async (t) => {
  const waiting: (() => void)[] = [];
  const wrapProducer = (producer: Producer): Producer => ({
    append: () => new Promise((resolve) => waiting.push(resolve)),
    health: () => producer.health(),
    close: () => producer.close(),
  });
  const kero = await startTestReceiver(t, {
    settings: { RECEIVER_MAX_IN_FLIGHT: '80000', RECEIVER_MAX_BODY: '30000', RECEIVER_MAX_DECOMPRESSED: '50000' },
    wrapProducer,
  });
  const header = { 'content-encoding': 'gzip' };
  const text = visit(noise(25_000));
  const body = gzipSync(text.padEnd(50_000, ' '));
  const first = kero.post(body, header);
  await untilTrue(() => waiting.length === 1);
  assert.equal(kero.receiver.counts.bytesInFlight, 50_000);
  const answer = await kero.post(body, header);
  problemOf(answer, 503, 'overloaded');
  assert.equal(answer.headers.get('retry-after'), '1');
  assert.equal(waiting.length, 1, 'it was not given to the log');
  assert.equal(kero.receiver.counts.bytesInFlight, 50_000);
  waiting[0]?.();
  assert.equal((await first).status, 202);
  assert.equal(kero.receiver.counts.bytesInFlight, 0);
});

test('a client that leaves while its body is decompressed leaves nothing', async (t) => {
  const kero = await startTestReceiver(t, { settings: { RECEIVER_MAX_DECOMPRESSED: '50MiB' } });
  const body = gzipSync(`[${event('a')}${'  \n'.repeat(10 * 1024 ** 2)}]`);
  const clients = [];
  for (let n = 0; n < 8; n++) {
    const client = await rawConnection(t, kero.port);
    client.send(postHead(`content-length: ${body.length}`, 'content-encoding: gzip'));
    client.send(body);
    clients.push(client);
  }
  await untilTrue(() => kero.receiver.counts.bytesInFlight > 8 * body.length);
  for (const client of clients) client.socket.resetAndDestroy();
  await untilTrue(() => kero.receiver.counts.inFlight === 0);
  assert.equal(kero.receiver.counts.bytesInFlight, 0);
});
