import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { computeEventId, formatUuid } from '@kero/events';
import type { LogRecord } from '@kero/messaging';
import { SUPPORTED_TYPES } from './media-types.ts';
import { EVENT, NOW_MS, postHead, problemOf, rawConnection, startTestReceiver } from './receiver-under-test.ts';

function headersOf(record: LogRecord): Record<string, string> {
  return Object.fromEntries(record.headers.map(([name, value]) => [name, value.toString()]));
}

function event(members: Record<string, unknown>): string {
  return JSON.stringify({ ...EVENT, ...members });
}

describe('an event that is accepted', () => {
  test('is in the log as it was sent, with its id, source, time and trace', async (t) => {
    const kero = await startTestReceiver(t);
    const body = `{ "user_id":"käthe","event_type":"purchase","event_timestamp":"2026-11-23T09:59:58.123456Z",
      "event_data":{"item_id":"42","price":19.90,"n":9007199254740993},"source":"shöp","event_id":"order-77"}\n`;
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const answer = await kero.post(body, { traceparent });
    const id = formatUuid(
      computeEventId({
        source: 'shöp',
        eventId: 'order-77',
        userId: 'käthe',
        eventType: 'purchase',
        timestampMicros: Date.parse('2026-11-23T09:59:58Z') * 1000 + 123_456,
      }),
    );
    assert.equal(answer.status, 202);
    assert.equal(answer.text, `{"status":"accepted","id":"${id}"}`);
    assert.equal(answer.headers.get('content-type'), 'application/json');

    const [record, ...others] = await kero.records();
    assert.equal(others.length, 0);
    assert.equal(record?.key?.toString(), 'käthe');
    assert.equal(record?.value?.toString(), body);
    assert.deepEqual(headersOf(record!), {
      'kero-id': id,
      'kero-source': 'shöp',
      'kero-received-at': new Date(NOW_MS).toISOString(),
      'content-type': 'application/json',
      traceparent,
      'kero-schema': 'built-in:purchase',
    });
  });

  test('has the source default when it names none, and no trace when the header is not one', async (t) => {
    const kero = await startTestReceiver(t);
    await kero.post(event({ event_type: 'visit' }), {
      traceparent: '00-00000000000000000000000000000000-00f067aa0ba902b7-01',
    });
    const [record] = await kero.records();
    assert.deepEqual(Object.keys(headersOf(record!)), ['kero-id', 'kero-source', 'kero-received-at', 'content-type']);
    assert.equal(headersOf(record!)['kero-source'], 'default');
  });

  test('may be sent with a slash at the end, a query, a charset and identity encoding', async (t) => {
    const kero = await startTestReceiver(t);
    for (const path of ['/api/v1/events', '/api/v1/events/', '/api/v1/events?a=b', '/api/v1/events/?a=b']) {
      for (const type of [
        'application/json',
        'application/json; charset=utf-8',
        'Application/JSON ;charset="UTF-8"',
        'application/json;',
      ]) {
        const headers = { 'content-type': type, 'content-encoding': 'identity' };
        const { status, text } = await kero.request(path, { method: 'POST', headers, body: event({}) });
        assert.equal(status, 202, `${path} ${type} ${text}`);
      }
    }
    assert.equal(kero.receiver.counts.accepted, 16);
    assert.equal((await kero.records()).length, 16);
  });

  test('is the same event with the same id when it is sent twice', async (t) => {
    const kero = await startTestReceiver(t);
    const first = await kero.post(event({}));
    const second = await kero.post(event({}));
    assert.equal(first.json.id, second.json.id);
  });
});

/** What is sent, the status, the problem, and the place with the code of the error in it. */
type BadBody = [
  what: string,
  body: string | Buffer,
  status: number,
  code: string,
  error?: [pointer: string, code: string],
];

const deep = (levels: number) => `{"x":${'['.repeat(levels)}${']'.repeat(levels)}}`;
const withData = (data: string) =>
  JSON.stringify({ ...EVENT, event_type: 'visit', event_data: 0 }).replace(':0}', `:${data}}`);
const without = (name: string) => JSON.stringify({ ...EVENT, [name]: undefined });
const at = (timestamp: unknown) => event({ event_timestamp: timestamp });
const TIME = '/event_timestamp';

const badBodies: BadBody[] = [
  ['nothing', '', 400, 'empty_body', ['', 'empty_body']],
  ['white space', ' \r\n\t', 400, 'empty_body', ['', 'empty_body']],
  ['a byte order mark', `\ufeff${event({})}`, 400, 'byte_order_mark', ['', 'byte_order_mark']],
  ['bytes that are not UTF-8', Buffer.from([0x22, 0xff, 0xfe, 0x22]), 400, 'invalid_utf8', ['', 'invalid_utf8']],
  ['an overlong form', Buffer.from('{"a":"\xc0\xaf"}', 'latin1'), 400, 'invalid_utf8', ['', 'invalid_utf8']],
  ['half an object', '{"user_id":', 400, 'invalid_json'],
  ['single quotes', "{'user_id':1}", 400, 'invalid_json'],
  ['a comma too many', event({}).replace(/}$/, ',}'), 400, 'invalid_json'],
  ['a comment', `${event({})}// end`, 400, 'invalid_json'],
  ['two texts', `${event({})}${event({})}`, 400, 'invalid_json'],
  ['NaN', withData('{"n":NaN}'), 400, 'invalid_json'],
  ['a string', '"event"', 422, 'invalid_event', ['', 'not_an_object']],
  ['null', 'null', 422, 'invalid_event', ['', 'not_an_object']],
  ['no user_id', without('user_id'), 422, 'invalid_event', ['/user_id', 'missing_member']],
  ['no event_type', without('event_type'), 422, 'invalid_event', ['/event_type', 'missing_member']],
  ['no event_timestamp', without('event_timestamp'), 422, 'invalid_event', [TIME, 'missing_member']],
  ['no event_data', without('event_data'), 422, 'invalid_event', ['/event_data', 'missing_member']],
  ['an empty user_id', event({ user_id: '' }), 422, 'invalid_event', ['/user_id', 'too_short']],
  ['a long user_id', event({ user_id: 'x'.repeat(257) }), 422, 'invalid_event', ['/user_id', 'too_long']],
  ['a number as user_id', event({ user_id: 7 }), 422, 'invalid_event', ['/user_id', 'wrong_type']],
  ['null as user_id', event({ user_id: null }), 422, 'invalid_event', ['/user_id', 'wrong_type']],
  ['a long event_type', event({ event_type: 'x'.repeat(129) }), 422, 'invalid_event', ['/event_type', 'too_long']],
  ['a long event_id', event({ event_id: 'x'.repeat(201) }), 422, 'invalid_event', ['/event_id', 'too_long']],
  ['null as event_id', event({ event_id: null }), 422, 'invalid_event', ['/event_id', 'wrong_type']],
  ['an empty source', event({ source: '' }), 422, 'invalid_event', ['/source', 'too_short']],
  ['null as source', event({ source: null }), 422, 'invalid_event', ['/source', 'wrong_type']],
  ['a date without time', at('2026-11-23'), 422, 'invalid_event', [TIME, 'invalid_timestamp']],
  ['a time without offset', at('2026-11-23T10:00:00'), 422, 'invalid_event', [TIME, 'invalid_timestamp']],
  ['the 30th of February', at('2026-02-30T10:00:00Z'), 422, 'invalid_event', [TIME, 'invalid_timestamp']],
  ['a leap second', at('2016-12-31T23:59:60Z'), 422, 'invalid_event', [TIME, 'invalid_timestamp']],
  ['ten digits of a second', at('2026-11-23T10:00:00.0123456789Z'), 422, 'invalid_event', [TIME, 'invalid_timestamp']],
  ['now', at('now'), 422, 'invalid_event', [TIME, 'invalid_timestamp']],
  ['a number as time', at(1_764_000_000), 422, 'invalid_event', [TIME, 'wrong_type']],
  ['a time before 1970', at('1969-12-31T23:59:59Z'), 422, 'invalid_event', [TIME, 'timestamp_out_of_range']],
  ['a time after tomorrow', at('2026-11-24T10:00:01Z'), 422, 'invalid_event', [TIME, 'timestamp_in_future']],
  ['an array as data', withData('[]'), 422, 'invalid_event', ['/event_data', 'wrong_type']],
  ['null as data', withData('null'), 422, 'invalid_event', ['/event_data', 'wrong_type']],
  [
    'a purchase of nothing',
    event({ event_data: { price: 1 } }),
    422,
    'invalid_event',
    ['/event_data/item_id', 'missing_member'],
  ],
  [
    'a price in words',
    event({ event_data: { item_id: '1', price: '1e5' } }),
    422,
    'invalid_event',
    ['/event_data/price', 'schema_mismatch'],
  ],
  [
    'a tag that is a number',
    event({ event_data: { item_id: '1', price: 1, tags: ['a', 1] } }),
    422,
    'invalid_event',
    ['/event_data/tags/1', 'wrong_type'],
  ],
  ['a member of its own', event({ 'my/own~': 1 }), 422, 'invalid_event', ['/my~1own~0', 'unknown_member']],
  [
    'a member twice',
    event({}).replace(/}$/, ',"user_id":"b"}'),
    422,
    'invalid_event',
    ['/user_id', 'duplicate_member'],
  ],
  [
    'a member twice, deep and escaped',
    withData('{"a":{"b":1,"\\u0062":2}}'),
    422,
    'invalid_event',
    ['/event_data/a/b', 'duplicate_member'],
  ],
  ['U+0000', withData('{"a":"\\u0000"}'), 422, 'invalid_event', ['/event_data/a', 'null_character']],
  ['half a surrogate pair', withData('{"a":"\\ud800b"}'), 422, 'invalid_event', ['/event_data/a', 'lone_surrogate']],
  ['a number that overflows', withData('{"a":1e400}'), 422, 'invalid_event', ['/event_data/a', 'number_out_of_range']],
  [
    'a number that underflows',
    withData('{"a":1e-400}'),
    422,
    'invalid_event',
    ['/event_data/a', 'number_out_of_range'],
  ],
  [
    'a very long number',
    withData(`{"a":0.${'1'.repeat(1_000)}}`),
    422,
    'invalid_event',
    ['/event_data/a', 'number_too_long'],
  ],
  ['33 levels', withData(deep(31)), 422, 'invalid_event'],
];

test('each bad body gets its status, its problem and the place, and leaves nothing in the log', async (t) => {
  const kero = await startTestReceiver(t);
  for (const [what, body, status, code, error] of badBodies) {
    await t.test(what, async () => {
      const problem = problemOf(await kero.post(body), status, code);
      assert.ok(problem.errors && problem.errors.length > 0, 'errors are listed');
      if (error)
        assert.deepEqual(
          problem.errors.map((item) => [item.pointer, item.code]),
          [error],
        );
    });
  }
  const { accepted, rejected } = kero.receiver.counts;
  assert.equal(accepted, 0);
  assert.equal(
    Object.values(rejected).reduce((sum, count) => sum + count),
    badBodies.length,
  );
  assert.deepEqual(await kero.records(), []);
});

test('every problem of an event is named at once', async (t) => {
  const kero = await startTestReceiver(t);
  const problem = problemOf(await kero.post('{"user_id":"","event_type":5,"x":1}'), 422, 'invalid_event');
  assert.deepEqual(
    new Set(problem.errors?.map(({ pointer, code }) => `${pointer} ${code}`)),
    new Set([
      '/user_id too_short',
      '/event_type wrong_type',
      '/event_timestamp missing_member',
      '/event_data missing_member',
      '/x unknown_member',
    ]),
  );
});

describe('a request whose head is refused', () => {
  test('for its content type is 415 and told which ones are read', async (t) => {
    const kero = await startTestReceiver(t);
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'application/json; charset=latin1',
      'application/json; profile=x',
      'application/jsonx',
      'application/ndjson',
      'application/x-ndjson; charset=latin1',
    ]) {
      const answer = await kero.post(event({}), { 'content-type': type });
      problemOf(answer, 415, 'unsupported_media_type');
      assert.equal(answer.headers.get('accept-post'), SUPPORTED_TYPES);
    }
    const untyped = await kero.request('/api/v1/events', { method: 'POST', body: Buffer.from(event({})) });
    assert.match(problemOf(untyped, 415, 'unsupported_media_type').detail, /names no Content-Type/);
    assert.deepEqual(await kero.records(), []);
  });

  test('for two content types is 415, also where they are the same: others may go by the other one', async (t) => {
    const kero = await startTestReceiver(t);
    const body = JSON.stringify(EVENT);
    for (const second of ['application/json', 'application/x-ndjson', 'text/plain']) {
      const client = await rawConnection(t, kero.port);
      client.send(postHead(`content-length: ${body.length}`, `Content-Type: ${second}`) + body);
      await client.until(/^HTTP\/1\.1 415 .*urn:kero:problem:unsupported_media_type.*more than one Content-Type/s);
    }
    assert.deepEqual(await kero.records(), []);
  });

  test('for its content encoding is 415 and told which ones are read', async (t) => {
    const kero = await startTestReceiver(t);
    for (const encoding of ['deflate', 'compress', 'gzip, gzip', 'nonsense', 'identity, gzip', 'gzip;q=1', '*', ',']) {
      const answer = await kero.post(event({}), { 'content-encoding': encoding });
      assert.match(problemOf(answer, 415, 'unsupported_encoding').detail, /gzip, br, zstd, identity/);
      assert.equal(answer.headers.get('accept-encoding'), 'gzip, br, zstd, identity');
    }
    assert.deepEqual(await kero.records(), []);
  });

  test('for its path is 404, for its method 405 with Allow', async (t) => {
    const kero = await startTestReceiver(t);
    for (const path of [
      '/',
      '/api/v1/event',
      '/api/v1/events/1',
      '/API/v1/events',
      '/docs/package.json',
      '/docs/../x',
    ]) {
      problemOf(await kero.request(path), 404, 'not_found');
    }
    for (const method of ['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      const answer = await kero.request('/api/v1/events', { method });
      problemOf(answer, 405, 'method_not_allowed');
      assert.equal(answer.headers.get('allow'), 'POST');
    }
    const answer = await kero.request('/health/live', { method: 'POST' });
    problemOf(answer, 405, 'method_not_allowed');
    assert.equal(answer.headers.get('allow'), 'GET, HEAD');
  });
});

describe('sizes', () => {
  const padded = (bytes: number) => event({}).padEnd(bytes, ' ');

  test('a body of RECEIVER_MAX_BODY passes, one byte more is 413 and names the limit', async (t) => {
    const kero = await startTestReceiver(t, { settings: { RECEIVER_MAX_BODY: '2000', EVENTS_MAX_BYTES: '1MiB' } });
    assert.equal((await kero.post(padded(2000))).status, 202);
    assert.match(problemOf(await kero.post(padded(2001)), 413, 'body_too_large').detail, /2000.*RECEIVER_MAX_BODY/);
    assert.equal((await kero.records()).length, 1);
  });

  test('an event of EVENTS_MAX_BYTES passes, one byte more is 413 and names the limit', async (t) => {
    const kero = await startTestReceiver(t, { settings: { EVENTS_MAX_BYTES: '2000' } });
    assert.equal((await kero.post(padded(2000))).status, 202);
    assert.match(problemOf(await kero.post(padded(2001)), 413, 'event_too_large').detail, /2000.*EVENTS_MAX_BYTES/);
    assert.equal((await kero.records()).length, 1);
  });

  test('an event that makes a larger record than the log takes is 413', async (t) => {
    const kero = await startTestReceiver(t, { maxRecordBytes: 1000 });
    problemOf(await kero.post(padded(1000)), 413, 'record_too_large');
    assert.equal((await kero.post(padded(500))).status, 202);
    assert.equal((await kero.records()).length, 1);
  });

  test('a body that comes in many pieces is put together', async (t) => {
    const kero = await startTestReceiver(t, { settings: { EVENTS_MAX_BYTES: '1MiB' } });
    const body = event({ event_type: 'visit', event_data: { text: 'ü'.repeat(300_000) } });
    assert.equal((await kero.post(body)).status, 202);
    const [record] = await kero.records();
    assert.ok(record?.value?.equals(Buffer.from(body)));
  });
});

describe('every answer', () => {
  test('has a request id: the own one of the client where it is sane, else a new one', async (t) => {
    const kero = await startTestReceiver(t);
    const idOf = async (sent: string) =>
      (await kero.post(event({}), { 'x-request-id': sent })).headers.get('x-request-id');
    assert.equal(await idOf('Abc-1_2.3'), 'Abc-1_2.3');
    assert.equal(await idOf('x'.repeat(64)), 'x'.repeat(64));
    for (const bad of ['x'.repeat(65), 'a b', 'a"b', '']) {
      assert.match((await idOf(bad)) ?? '', /^[0-9a-f-]{36}$/);
    }
    for (const path of [
      '/health/live',
      '/health/ready',
      '/docs',
      '/docs/swagger-ui.css',
      '/api/v1/openapi.json',
      '/no',
    ]) {
      assert.match((await kero.request(path)).headers.get('x-request-id') ?? '', /^[0-9a-f-]{36}$/, path);
    }
  });

  test('is never cached, sniffed or signed with the name of the server', async (t) => {
    const kero = await startTestReceiver(t);
    for (const answer of [await kero.post(event({})), await kero.post('{'), await kero.request('/health/ready')]) {
      assert.equal(answer.headers.get('cache-control'), 'no-store');
      assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
      assert.equal(answer.headers.get('server'), null);
      assert.equal(answer.headers.get('x-powered-by'), null);
    }
  });

  test('to a refused request is one log line with its id and code, and nothing of what was sent', async (t) => {
    const kero = await startTestReceiver(t);
    await kero.post(event({}));
    const accepted = kero.logLines.filter((line) => line.requestId !== undefined);
    assert.deepEqual(accepted, []);
    const headers = { 'x-request-id': 'find-me' };
    await kero.post(event({ user_id: '', 'secret-member': 'secret-value', event_timestamp: 'secret-time' }), headers);
    const lines = kero.logLines.filter((line) => line.requestId === 'find-me');
    assert.equal(lines.length, 1);
    assert.equal(lines[0]?.code, 'invalid_event');
    assert.deepEqual(
      new Set(lines[0]?.problems as string[]),
      new Set(['too_short', 'unknown_member', 'invalid_timestamp']),
    );
    assert.doesNotMatch(JSON.stringify(kero.logLines), /secret/);
  });
});
