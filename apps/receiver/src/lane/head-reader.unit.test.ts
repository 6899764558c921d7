import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { HeadReader } from './head-reader.ts';

const LIMITS = { maxHeaders: 10, maxHeaderBytes: 1024 };

/** A head with these lines. */
function head(...lines: string[]): string {
  return ['POST /api/v1/events HTTP/1.1', ...lines, '', ''].join('\r\n');
}

function read(text: string, reader = new HeadReader(LIMITS), start = 0) {
  return reader.read(Buffer.from(text, 'latin1'), start);
}

const CURL = head('Host: kero.example:8000', 'User-Agent: curl/8.5.0', 'Accept: */*', 'Content-Type: application/json');
const WHOLE = CURL.replace('Content-Type', 'Content-Length: 12\r\nContent-Type');

describe('a head is read', () => {
  test('as it is', () => {
    const found = read(WHOLE);
    assert.ok(found);
    assert.equal(found.bodyBytes, 12);
    assert.equal(found.headBytes, WHOLE.length);
    const { method, url, httpVersion, headers, rawHeaders } = found.head;
    assert.deepEqual([method, url, httpVersion], ['POST', '/api/v1/events', '1.1']);
    assert.deepEqual(
      { ...headers },
      {
        host: 'kero.example:8000',
        'user-agent': 'curl/8.5.0',
        accept: '*/*',
        'content-type': 'application/json',
      },
    );
    assert.deepEqual(rawHeaders.slice(0, 2), ['Host', 'kero.example:8000']);
  });

  test('wherever it begins, whatever follows', () => {
    const found = read(`${WHOLE}{"a":1}     ${WHOLE}`, new HeadReader(LIMITS), WHOLE.length + 12);
    assert.equal(found?.headBytes, WHOLE.length);
  });

  test('with spaces around values, and empty values', () => {
    const found = read(head('host:', 'content-length:  3  ', 'x:  a b  '));
    assert.equal(found?.bodyBytes, 3);
    assert.deepEqual(found?.head.rawHeaders, ['host', '', 'x', 'a b']);
  });

  test('once where it comes again, but for its length', () => {
    const reader = new HeadReader(LIMITS);
    const first = read(WHOLE, reader);
    for (const [length, bytes] of [
      ['12', 12],
      ['7', 7],
      ['1048576', 1048576],
      ['007', 7],
    ] as const) {
      const text = WHOLE.replace(': 12', `: ${length}`);
      const again = read(`${text}body`, reader);
      assert.equal(again?.head, first?.head);
      assert.equal(again?.bodyBytes, bytes);
      assert.equal(again?.headBytes, text.length);
    }
  });

  test('anew where anything else differs', () => {
    const reader = new HeadReader(LIMITS);
    const first = read(head('host: a', 'authorization: Bearer a', 'content-length: 1'), reader);
    const second = read(head('host: a', 'authorization: Bearer b', 'content-length: 1'), reader);
    assert.notEqual(first?.head, second?.head);
    assert.equal(second?.head.headers.authorization, 'Bearer b');
  });
});

describe('a head is left to node:http', () => {
  const OTHERS = {
    'that is not whole': WHOLE.slice(0, -1),
    'of another method': WHOLE.replace('POST', 'GET'),
    'of another path': WHOLE.replace('/events', '/eventz'),
    'of another version': WHOLE.replace('1.1', '1.0'),
    'without Host': WHOLE.replace('Host', 'x-host'),
    'without Content-Length': CURL,
    'with two Content-Lengths': WHOLE.replace('Accept: */*', 'content-length: 12'),
    'with a Content-Length of 11 digits': WHOLE.replace('12', '00000000012'),
    'with an empty Content-Length': WHOLE.replace('12', ''),
    'with a sign in its Content-Length': WHOLE.replace('12', '+12'),
    'with any header twice': WHOLE.replace('Accept: */*', 'user-agent: b'),
    'with Transfer-Encoding': WHOLE.replace('Accept: */*', 'transfer-encoding: chunked'),
    'with Expect': WHOLE.replace('Accept: */*', 'expect: 100-continue'),
    'with Upgrade': WHOLE.replace('Accept: */*', 'upgrade: h2c'),
    'with Connection: close': WHOLE.replace('Accept: */*', 'connection: close'),
    'with a folded line': WHOLE.replace('Accept: */*', 'Accept:\r\n */*'),
    'with a space before a colon': WHOLE.replace('Accept:', 'Accept :'),
    'with a NUL': WHOLE.replace('*/*', '\0'),
    'with a tab': WHOLE.replace('*/*', '\t'),
    'with a byte beyond ASCII': WHOLE.replace('*/*', '\xe9'),
    'with a bare LF': WHOLE.replace('*/*\r\n', '*/*\n'),
    'with a bare CR': WHOLE.replace('*/*', '*\r*'),
    'with a header called __proto__': WHOLE.replace('Accept', '__proto__'),
    'with too many headers': WHOLE.replace('Accept: */*', 'abcdefg'.replaceAll(/./g, '$&: 1\r\n').trim()),
    'that is too large': WHOLE.replace('*/*', '*'.repeat(1024)),
  };
  for (const [what, text] of Object.entries(OTHERS)) {
    test(what, () => assert.equal(read(text), undefined));
  }
});

test('what is remembered changes nothing: a reader that has read others finds the same', () => {
  const text = fc
    .tuple(
      fc.constantFrom('12', '7', '0', '', '+1', '12 ', ' 12', '99999999999', '1\r\nx: y'),
      fc.constantFrom('a', 'b', 'a\r\ncontent-length: 1', 'Bearer x', ''),
      fc.constantFrom('\r\n\r\n', '\r\n\r\nbody', '\r\n', '\r\nX: 1\r\n\r\n', ''),
      fc.boolean(),
    )
    .map(([length, other, end, before]) => {
      const lines = [`content-length: ${length}`, `authorization: ${other}`];
      return `POST /api/v1/events HTTP/1.1\r\nhost: a\r\n${(before ? lines.toReversed() : lines).join('\r\n')}${end}`;
    });
  const property = fc.property(fc.array(text, { minLength: 2, maxLength: 8 }), (texts) => {
    const reader = new HeadReader(LIMITS);
    for (const one of texts) assert.deepEqual(read(one, reader), read(one));
  });
  fc.assert(property, { numRuns: 2000 });
});
