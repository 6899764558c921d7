import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import type { Producer } from '@kero/messaging';
import fc from 'fast-check';
import type { HttpProblemCode } from '../http-problems.ts';
import { EVENT, postHead, type ReceiverUnderTest, startTestReceiver, untilTrue } from '../receiver-under-test.ts';

/** The promise of the lane: nobody can tell from the answers which of the two has read a request. */

const BODY = JSON.stringify(EVENT);
const WHOLE = postHead(`content-length: ${BODY.length}`) + BODY;
const ARRAY = `[${BODY},${BODY}]`;
const BATCH = postHead('Connection: Keep-Alive', 'X-Request-Id: r-1', `Content-Length:${ARRAY.length}`) + ARRAY;
const REFUSED = `${postHead('origin: https://shop.example', 'content-length: 3')}[1]`;
const EMPTY = postHead('content-length: 0');

/** Two receivers that differ in nothing but the lane, in front of a log that confirms in the next round of the loop. */
async function startBoth(t: Parameters<typeof startTestReceiver>[0]) {
  const wrapProducer = (producer: Producer): Producer => ({
    append: () => new Promise((resolve) => setImmediate(resolve)),
    health: () => producer.health(),
    close: () => producer.close(),
  });
  const settings = {
    CORS_ORIGINS: 'https://shop.example',
    RATE_LIMIT_ADDRESS_REQUESTS: '1000000',
    RECEIVER_MAX_HEADERS: '12',
    RECEIVER_MAX_HEADER_BYTES: '2KiB',
    RECEIVER_MAX_URL: '1000',
    RECEIVER_MAX_BODY: '100000',
  };
  const options = { settings, wrapProducer, monotonicMs: () => 0 };
  const lane = await startTestReceiver(t, options);
  const node = await startTestReceiver(t, { ...options, withoutLane: true });
  return async (...pieces: (string | Buffer)[]) => {
    const [byLane, byNode] = await Promise.all([observed(lane, pieces), observed(node, [joined(pieces)])]);
    assert.deepEqual(byLane, byNode);
    return byLane.answers;
  };
}

/** The answers, and what was counted meanwhile. */
async function observed({ port, receiver }: ReceiverUnderTest, pieces: (string | Buffer)[]) {
  const { counts } = receiver;
  const before = { accepted: counts.accepted, rejected: { ...counts.rejected } };
  const answers = await talk(port, pieces);
  await untilTrue(() => counts.inFlight === 0);
  const changes = Object.entries(counts.rejected)
    .map(([code, count]) => [code, count - before.rejected[code as HttpProblemCode]] as const)
    .filter(([, count]) => count !== 0);
  const rejected = Object.fromEntries(changes);
  // Whether a client is told what is broken behind another request, or its connection only ends: node:http itself does the one or the
  // other, by what is done first.
  if (answers.length > 1 && answers.at(-1)?.at(-1)?.includes('malformed_request')) {
    answers.pop();
    delete rejected.malformed_request;
  }
  return { answers, accepted: counts.accepted - before.accepted, rejected };
}

function joined(pieces: (string | Buffer)[]): Buffer {
  return Buffer.concat(pieces.map((piece) => Buffer.from(piece as string, 'latin1')));
}

/** Sends the pieces, ends its side, and reads until the other side ends: the answers without what is different each time. */
async function talk(port: number, pieces: (string | Buffer)[]): Promise<string[][]> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  // A reset is an end like another one.
  socket.on('error', () => {});
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.once('end', () => socket.end());
  const last = pieces.at(-1) ?? '';
  for (const piece of pieces.slice(0, -1)) {
    socket.write(piece as string, 'latin1');
    await new Promise((resolve) => setImmediate(resolve));
  }
  socket.end(last as string, 'latin1');
  await closed;
  return answersIn(text);
}

function answersIn(text: string): string[][] {
  const known = text
    .replaceAll(/^Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r$/gm, 'Date: now\r')
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g, '<request id>');
  return known
    .split(/(?=HTTP\/1\.1 \d{3} )/)
    .filter((answer) => answer !== '')
    .map((answer) => {
      const [head = '', body = ''] = answer.split('\r\n\r\n');
      const [status = '', ...headers] = head.split('\r\n');
      return [status, ...headers.sort(), body];
    });
}

const NOTABLE: readonly (readonly [what: string, bytes: string])[] = [
  ['the usual request', WHOLE],
  ['a batch', BATCH],
  ['an event that is refused', REFUSED],
  ['no body', EMPTY],
  ['a slash at the end of the path', WHOLE.replace('/events', '/events/')],
  ['a query', WHOLE.replace('/events', '/events?a=1')],
  ['a target in absolute form', WHOLE.replace('/api', 'http://test/api')],
  ['an encoded path', WHOLE.replace('/events', '/event%73')],
  ['two slashes', WHOLE.replace('/api', '//api')],
  ['another path', WHOLE.replace('/events', '/eventz')],
  ['another method', WHOLE.replace('POST', 'PUT')],
  ['a method in lower case', WHOLE.replace('POST', 'post')],
  ['HTTP/1.0', WHOLE.replace('HTTP/1.1', 'HTTP/1.0')],
  ['HTTP/1.2', WHOLE.replace('HTTP/1.1', 'HTTP/1.2')],
  ['HTTP/2.0', WHOLE.replace('HTTP/1.1', 'HTTP/2.0')],
  ['an empty line before the request', `\r\n${WHOLE}`],
  ['two spaces in the request line', WHOLE.replace('POST ', 'POST  ')],
  ['a space at the end of the request line', WHOLE.replace('HTTP/1.1', 'HTTP/1.1 ')],
  ['Content-Length and Transfer-Encoding', WHOLE.replace('host', 'transfer-encoding: chunked\r\nhost')],
  ['Transfer-Encoding behind Content-Length', WHOLE.replace('\r\n\r\n', '\r\ntransfer-encoding: chunked\r\n\r\n')],
  ['Transfer-Encoding: identity', WHOLE.replace('host', 'transfer-encoding: identity\r\nhost')],
  ['two Content-Lengths', WHOLE.replace('host', `content-length: 5\r\nhost`)],
  ['the same Content-Length twice', WHOLE.replace('host', `content-length: ${BODY.length}\r\nhost`)],
  ['a list of Content-Lengths', WHOLE.replace('content-length: ', 'content-length: 5, ')],
  ['Content-Length: +5', `${postHead('content-length: +5')}12345`],
  ['Content-Length: -5', `${postHead('content-length: -5')}12345`],
  ['Content-Length: 5.0', `${postHead('content-length: 5.0')}12345`],
  ['Content-Length: 0x5', `${postHead('content-length: 0x5')}12345`],
  ['Content-Length: 5 5', `${postHead('content-length: 5 5')}12345`],
  ['Content-Length with zeros before it', WHOLE.replace('content-length: ', 'content-length: 000')],
  ['a Content-Length without a value', `${postHead('content-length:')}12345`],
  ['a Content-Length beyond 64 bits', `${postHead('content-length: 99999999999999999999')}12345`],
  ['a Content-Length over the limit', postHead('content-length: 100001')],
  ['a Content-Length that is longer than the body', WHOLE.slice(0, -1)],
  ['a Content-Length that is shorter than the body', `${WHOLE}}`],
  ['no Content-Length', postHead() + BODY],
  ['a space before the colon', WHOLE.replace('content-length:', 'content-length :')],
  ['a tab before the colon', WHOLE.replace('content-length:', 'content-length\t:')],
  ['tabs around a value', WHOLE.replace('application/json', '\tapplication/json\t')],
  ['spaces around a value', WHOLE.replace('application/json', '  application/json  ')],
  ['a header without a name', WHOLE.replace('content-type', '')],
  ['a header without a colon', WHOLE.replace('content-type: ', '')],
  ['a name with a space in it', WHOLE.replace('content-type', 'content type')],
  ['a name beyond ASCII', WHOLE.replace('host', 'x\xe9: 1\r\nhost')],
  ['a value beyond ASCII', WHOLE.replace('host', 'x: \xe9\r\nhost')],
  ['a NUL in a name', WHOLE.replace('host', 'x\0: 1\r\nhost')],
  ['a NUL in a value', WHOLE.replace('host', 'x: \0\r\nhost')],
  ['a DEL in a value', WHOLE.replace('host', 'x: \x7f\r\nhost')],
  ['a bare LF at the end of a line', WHOLE.replace('test\r\n', 'test\n')],
  ['bare LFs everywhere', WHOLE.replaceAll('\r\n', '\n')],
  ['a bare CR in a value', WHOLE.replace('test\r\n', 'te\rst\r\n')],
  ['a bare LF before the body', WHOLE.replace('\r\n\r\n', '\r\n\n')],
  ['a folded header', WHOLE.replace('application/json', 'application\r\n /json')],
  ['a folded header before Content-Length', WHOLE.replace('host: test', 'host: test\r\n x: 1')],
  ['two Hosts', WHOLE.replace('host', 'host: a\r\nhost')],
  ['no Host', WHOLE.replace('host: test\r\n', '')],
  ['an empty Host', WHOLE.replace('host: test', 'host:')],
  ['a Host that is none', WHOLE.replace('host: test', 'host: a/b')],
  ['two Content-Types', WHOLE.replace('host', 'Content-Type: text/plain\r\nhost')],
  ['no Content-Type', WHOLE.replace('content-type', 'x-type')],
  ['a header twice', WHOLE.replace('host', 'x-a: 1\r\nx-a: 2\r\nhost')],
  ['a header called __proto__', WHOLE.replace('host', '__proto__: 1\r\nhost')],
  ['a header called constructor', WHOLE.replace('host', 'constructor: 1\r\nhost')],
  ['Connection: close', WHOLE.replace('host', 'connection: close\r\nhost')],
  ['Connection: keep-alive, close', WHOLE.replace('host', 'connection: keep-alive, close\r\nhost')],
  ['Upgrade', WHOLE.replace('host', 'connection: upgrade\r\nupgrade: h2c\r\nhost')],
  ['Expect: 100-continue', WHOLE.replace('host', 'expect: 100-continue\r\nhost')],
  ['Expect: something', WHOLE.replace('host', 'expect: something\r\nhost')],
  ['a CloudEvent in binary mode', WHOLE.replace('host', 'ce-specversion: 1.0\r\nce-id: 1\r\nhost')],
  ['a Content-Encoding that is none', WHOLE.replace('host', 'content-encoding: deflate\r\nhost')],
  ['as many headers as there may be', WHOLE.replace('host', `${many(9)}host`)],
  ['one header too many', WHOLE.replace('host', `${many(10)}host`)],
  ['a head that is too large', WHOLE.replace('host', `x: ${'x'.repeat(2000)}\r\nhost`)],
  ['requests sent ahead', WHOLE + BATCH + REFUSED + WHOLE],
  ['garbage behind a request', `${WHOLE}GARBAGE\r\n\r\n`],
  ['a part of a request behind a request', WHOLE + WHOLE.slice(0, 40)],
  ['another route behind a request', `${WHOLE}GET /health/live HTTP/1.1\r\nhost: t\r\n\r\n`],
];

function many(count: number): string {
  return Array.from({ length: count }, (_, n) => `x-${n}: ${n}\r\n`).join('');
}

describe('the lane and node:http give the same answers', () => {
  test('to what is known to confuse readers of HTTP', async (t) => {
    const both = await startBoth(t);
    for (const [what, bytes] of NOTABLE) {
      const answers = await both(Buffer.from(bytes, 'latin1')).catch((error) => {
        throw new Error(`${what}: ${error.message}`, { cause: error });
      });
      assert.ok(answers.length > 0, what);
    }
  });

  test('to requests with anything changed in them', async (t) => {
    const both = await startBoth(t);
    const piece = fc.constantFrom(
      ...[
        '\r',
        '\n',
        '\r\n',
        '\0',
        '\t',
        ' ',
        ':',
        ',',
        '+',
        '-',
        '0',
        '1',
        '9',
        'x',
        '\x7f',
        '\x80',
        '\xff',
        '"',
        '{',
      ],
      ...['Content-Length: 5\r\n', 'Transfer-Encoding: chunked\r\n', 'Host: b\r\n', 'Connection: close\r\n'],
      ...['connection: keep-alive\r\n', 'Expect: 100-continue\r\n', 'Upgrade: x\r\n', 'TE: trailers\r\n', 'x: y\r\n'],
      ...['HTTP/1.0', 'GET ', '/', '?', '%2f', '\r\n\r\n', ' x: folded\r\n', 'content-encoding: gzip\r\n'],
    );
    const change = fc.record({ at: fc.nat(), remove: fc.oneof(fc.constant(0), fc.nat(9)), insert: piece });
    const requests = fc.array(fc.constantFrom(WHOLE, BATCH, REFUSED, EMPTY), { minLength: 1, maxLength: 2 });
    const changed = fc.tuple(requests, fc.array(change, { maxLength: 3 })).map(([texts, changes]) =>
      changes.reduce((text, { at, remove, insert }) => {
        const start = at % (text.length + 1);
        return text.slice(0, start) + insert + text.slice(start + remove);
      }, texts.join('')),
    );
    const property = fc.asyncProperty(changed, async (text) => void (await both(Buffer.from(text, 'latin1'))));
    await fc.assert(property, { numRuns: 1000 });
  });

  test('to requests that come in pieces', async (t) => {
    const both = await startBoth(t);
    const large = JSON.stringify({ ...EVENT, event_data: { item_id: '1', price: 1, pad: 'x'.repeat(70_000) } });
    const one = fc.constantFrom(WHOLE, BATCH, REFUSED, EMPTY, postHead(`content-length: ${large.length}`) + large);
    const cuts = fc.array(fc.nat(), { maxLength: 4 });
    const property = fc.asyncProperty(fc.array(one, { minLength: 1, maxLength: 5 }), cuts, async (texts, places) => {
      const text = texts.join('');
      const at = [0, ...places.map((place) => place % text.length).sort((a, b) => a - b), text.length];
      const pieces = at.slice(1).map((end, n) => text.slice(at[n], end));
      const answers = await both(...pieces);
      assert.equal(answers.length, texts.length);
    });
    await fc.assert(property, { numRuns: 300 });
  });
});
