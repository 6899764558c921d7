import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { LogRecord } from '@kero/messaging';
import { CloudEvent, HTTP, type Message } from 'cloudevents';
import { type Answer, postHead, problemOf, rawConnection, startTestReceiver } from './receiver-under-test.ts';

const DATA = { item_id: '42', price: 19.9, note: 'gr\u00fcn \u{1f98a}' };

/** As a program that uses the official SDK makes it. */
function cloudEvent(change: Readonly<Record<string, unknown>> = {}): CloudEvent<unknown> {
  return new CloudEvent({
    id: 'A-1',
    source: '/shop',
    type: 'purchase',
    subject: 'user-1',
    time: '2026-11-23T09:59:58.123Z',
    data: DATA,
    ...change,
  });
}

function headersOf(message: Message): Record<string, string> {
  return Object.fromEntries(Object.entries(message.headers).map(([name, value]) => [name, String(value)]));
}

/** The headers of a CloudEvent in binary mode, with changes; undefined leaves one out. */
function binaryHeaders(change: Readonly<Record<string, string | undefined>> = {}): Record<string, string> {
  const headers = { ...headersOf(HTTP.binary(cloudEvent())), 'content-type': 'application/json', ...change };
  return Object.fromEntries(
    Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

function header(record: LogRecord, name: string): string | undefined {
  return record.headers.find(([key]) => key === name)?.[1]?.toString();
}

function ceHeaders(record: LogRecord): Record<string, string> {
  const headers = record.headers.filter(([name]) => name.startsWith('ce_'));
  return Object.fromEntries(headers.map(([name, value]) => [name, value?.toString() ?? '']));
}

function errorsOf(answer: Answer, status = 422, code = 'invalid_event'): string[] {
  return (problemOf(answer, status, code).errors ?? []).map((error) => `${error.code} ${error.pointer}`);
}

const VALUE = {
  user_id: 'user-1',
  event_type: 'purchase',
  event_timestamp: '2026-11-23T09:59:58.123Z',
  event_id: 'A-1',
  source: '/shop',
  event_data: DATA,
};

describe('CloudEvents of the official SDK', () => {
  test('binary, structured and batched become the same record', async (t) => {
    const receiver = await startTestReceiver(t);
    const event = cloudEvent({ traceid: 'abc', attempt: 3, last: true });
    const ids: unknown[] = [];
    for (const message of [HTTP.binary(event), HTTP.structured(event)]) {
      const answer = await receiver.post(String(message.body), headersOf(message));
      assert.equal(answer.status, 202, answer.text);
      ids.push(answer.json.id);
    }
    const batch = await receiver.post(JSON.stringify([event, event]), {
      'content-type': 'application/cloudevents-batch+json; charset=UTF-8',
    });
    assert.equal(batch.status, 202, batch.text);
    ids.push(...(batch.json.ids as unknown[]));
    assert.equal(new Set(ids).size, 1, 'one identity');

    const records = await receiver.records();
    assert.equal(records.length, 4);
    for (const record of records) {
      assert.deepEqual(JSON.parse(String(record.value)), VALUE);
      assert.equal(record.key?.toString(), 'user-1');
      assert.equal(header(record, 'kero-id'), ids[0]);
      assert.equal(header(record, 'kero-source'), '/shop');
      assert.equal(header(record, 'content-type'), 'application/json');
      assert.deepEqual(ceHeaders(record), { ce_traceid: 'abc', ce_attempt: '3', ce_last: 'true' });
    }
  });

  test('without a subject belong to the user that the data names', async (t) => {
    const receiver = await startTestReceiver(t);
    const event = cloudEvent({ subject: undefined, data: { ...DATA, user_id: 'user-2' } });
    for (const message of [HTTP.binary(event), HTTP.structured(event)]) {
      const answer = await receiver.post(String(message.body), headersOf(message));
      assert.equal(answer.status, 202, answer.text);
    }
    const keys = (await receiver.records()).map((record) => record.key?.toString());
    assert.deepEqual(keys, ['user-2', 'user-2']);
  });

  test('with data that is not a JSON object are refused, with the place', async (t) => {
    const receiver = await startTestReceiver(t);
    const post = async ({ headers, body }: Message) => receiver.post(String(body), headersOf({ headers, body }));
    const bytes = cloudEvent({ data: new Uint8Array([1, 2, 3]), datacontenttype: 'application/octet-stream' });
    assert.deepEqual(errorsOf(await post(HTTP.structured(bytes))), [
      'unsupported_data /datacontenttype',
      'unsupported_data /data_base64',
    ]);
    problemOf(await post(HTTP.binary(bytes)), 415, 'unsupported_media_type');
    const text = cloudEvent({ data: 'hello', datacontenttype: 'text/plain' });
    assert.deepEqual(errorsOf(await post(HTTP.structured(text))), [
      'unsupported_data /datacontenttype',
      'wrong_type /data',
    ]);
    problemOf(await post(HTTP.binary(text)), 415, 'unsupported_media_type');
    const list = cloudEvent({ data: [1, 2], datacontenttype: 'application/json' });
    assert.deepEqual(errorsOf(await post(HTTP.structured(list))), ['wrong_type /data']);
    assert.deepEqual(errorsOf(await post(HTTP.binary(list))), ['wrong_type /data']);
    assert.deepEqual(await receiver.records(), []);
  });
});

describe('binary mode', () => {
  test('keeps the text of the data, and decodes headers', async (t) => {
    const receiver = await startTestReceiver(t);
    const body = '{"item_id": "42", "price": 19.90, "big": 9007199254740993, "tiny": 1.0e-300}';
    const headers = binaryHeaders({
      'content-type': 'application/vnd.shop.purchase+json; v=2; charset="utf-8"',
      'ce-subject': 'us%C3%A9r%201',
      'ce-id': '"A 1"',
      'ce-dataschema': 'https://shop.example/purchase',
      'ce-colour': 'gr%c3%bcn%20100%25',
    });
    const answer = await receiver.post(body, headers);
    assert.equal(answer.status, 202, answer.text);
    const [record] = await receiver.records();
    assert.ok(record);
    assert.ok(record.value?.toString().endsWith(`"event_data":${body}}`));
    assert.equal(record.key?.toString(), 'us\u00e9r 1');
    assert.equal(JSON.parse(String(record.value)).event_id, 'A 1');
    assert.deepEqual(ceHeaders(record), {
      ce_dataschema: 'https://shop.example/purchase',
      ce_colour: 'gr\u00fcn 100%',
    });
  });

  test('names the header that is wrong', async (t) => {
    const receiver = await startTestReceiver(t);
    const errors = async (change: Record<string, string | undefined>, body = JSON.stringify(DATA)) =>
      errorsOf(await receiver.post(body, binaryHeaders(change)));
    assert.deepEqual(await errors({ 'ce-specversion': undefined }), ['missing_member /ce-specversion']);
    assert.deepEqual(await errors({ 'ce-specversion': '0.3' }), ['unsupported_specversion /ce-specversion']);
    assert.deepEqual(await errors({ 'ce-id': '' }), ['too_short /ce-id']);
    assert.deepEqual(await errors({ 'ce-time': undefined }), ['missing_member /ce-time']);
    assert.deepEqual(await errors({ 'ce-subject': '%C0%A0' }), ['invalid_header /ce-subject']);
    assert.deepEqual(await errors({ 'ce-datacontenttype': 'application/json' }), [
      'invalid_attribute_name /ce-datacontenttype',
    ]);
    assert.deepEqual(await errors({}, '{"item_id":42,"price":1}'), ['wrong_type /data/item_id']);
    assert.deepEqual(await receiver.records(), []);
  });

  test('may do without a content type, and may have headers in raw UTF-8', async (t) => {
    const receiver = await startTestReceiver(t);
    const body = JSON.stringify(DATA);
    const connection = await rawConnection(t, receiver.port);
    const lines = ['POST /api/v1/events HTTP/1.1', 'host: test', `content-length: ${Buffer.byteLength(body)}`];
    for (const [name, value] of Object.entries(binaryHeaders({ 'ce-subject': 'gr\u00fcn 100%' }))) {
      if (name.startsWith('ce-')) lines.push(`${name}: ${value}`);
    }
    connection.send(Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`));
    await connection.until(/^HTTP\/1\.1 202/);
    const [record] = await receiver.records();
    assert.equal(record?.key?.toString(), 'gr\u00fcn 100%');
  });

  test('refuses a ce- header that is sent twice, and raw Latin-1', async (t) => {
    const receiver = await startTestReceiver(t);
    const body = JSON.stringify(DATA);
    const send = async (...more: string[]) => {
      const connection = await rawConnection(t, receiver.port);
      const ce = Object.entries(binaryHeaders()).flatMap(([name, value]) =>
        name.startsWith('ce-') ? [`${name}: ${value}`] : [],
      );
      connection.send(Buffer.from(postHead(...ce, ...more, `content-length: ${Buffer.byteLength(body)}`), 'latin1'));
      connection.send(body);
      return (await connection.until(/^HTTP\/1\.1 (\d+).*"pointer":"([^"]*)","code":"([^"]*)"/s)).slice(1);
    };
    assert.deepEqual(await send('Ce-Id: A-1'), ['422', '/ce-id', 'duplicate_member']);
    assert.deepEqual(await send('ce-name: gr\u00fcn'), ['422', '/ce-name', 'invalid_header']);
    assert.deepEqual(await receiver.records(), []);
  });

  test('needs a content type that is JSON', async (t) => {
    const receiver = await startTestReceiver(t);
    for (const type of ['text/plain', 'application/x-ndjson', 'application/json; charset=latin1', 'json']) {
      const answer = await receiver.post(JSON.stringify(DATA), binaryHeaders({ 'content-type': type }));
      problemOf(answer, 415, 'unsupported_media_type');
      assert.match(answer.headers.get('accept-post') ?? '', /application\/cloudevents\+json/);
    }
  });

  test('of a body that is not JSON tells the place in the body', async (t) => {
    const receiver = await startTestReceiver(t);
    const problem = problemOf(await receiver.post('{"item_id":}', binaryHeaders()), 400, 'invalid_json');
    assert.match(problem.detail, /column 12/);
    problemOf(await receiver.post('', binaryHeaders()), 400, 'empty_body');
  });
});

test('the examples of the OpenAPI document are accepted, with their content types', async (t) => {
  const receiver = await startTestReceiver(t);
  const { json } = await receiver.request('/api/v1/openapi.json');
  const { paths } = json as { paths: Record<string, { post: { requestBody: { content: object } } }> };
  const content = Object.entries(paths['/api/v1/events']!.post.requestBody.content);
  let examples = 0;
  for (const [type, media] of content.filter(([name]) => name.includes('cloudevents'))) {
    for (const { value } of Object.values(media.examples as Record<string, { value: unknown }>)) {
      const answer = await receiver.post(JSON.stringify(value), { 'content-type': type });
      assert.equal(answer.status, 202, answer.text);
      examples++;
    }
  }
  assert.equal(examples, 2);
});

describe('structured and batched mode', () => {
  const post = (body: unknown, type: string) =>
    [JSON.stringify(body), { 'content-type': `application/${type}`, 'ce-id': 'ignored' }] as const;

  test('content types of CloudEvents win over ce- headers, and others of them are not read', async (t) => {
    const receiver = await startTestReceiver(t);
    const event = { ...cloudEvent().toJSON() };
    const answer = await receiver.post(...post(event, 'CloudEvents+JSON; charset=utf-8'));
    assert.equal(answer.status, 202, answer.text);
    for (const type of [
      'cloudevents',
      'cloudevents+xml',
      'cloudevents+avro',
      'cloudevents-batch',
      'cloudevents+json; charset=latin1',
    ]) {
      problemOf(await receiver.post(...post(event, type)), 415, 'unsupported_media_type');
    }
    const [record] = await receiver.records();
    assert.deepEqual(JSON.parse(String(record?.value)), VALUE);
  });

  test('each mode takes its own shape only', async (t) => {
    const receiver = await startTestReceiver(t);
    const event = cloudEvent().toJSON();
    assert.deepEqual(errorsOf(await receiver.post(...post([event], 'cloudevents+json'))), ['not_an_object ']);
    const object = problemOf(await receiver.post(...post(event, 'cloudevents-batch+json')), 422, 'invalid_event');
    assert.equal(object.errors?.[0]?.code, 'not_an_array');
    problemOf(await receiver.post(...post([], 'cloudevents-batch+json')), 422, 'empty_batch');
    assert.ok(errorsOf(await receiver.post(...post(event, 'json'))).length > 0);
    assert.deepEqual(await receiver.records(), []);
  });

  test('a bad CloudEvent does not hurt the others of its batch', async (t) => {
    const receiver = await startTestReceiver(t);
    const good = cloudEvent().toJSON();
    const answer = await receiver.post(
      ...post([good, { ...good, specversion: '0.3', Colour: 1 }, { ...good, id: 'A-2' }, 7], 'cloudevents-batch+json'),
    );
    assert.equal(answer.status, 207, answer.text);
    const results = answer.json.results as {
      index: number;
      status: string;
      problem?: { errors: { code: string; pointer: string }[] };
    }[];
    assert.deepEqual(
      results.map(({ index, status, problem }) => [
        index,
        status,
        problem?.errors.map((error) => `${error.code} ${error.pointer}`),
      ]),
      [
        [0, 'accepted', undefined],
        [1, 'rejected', ['unsupported_specversion /specversion', 'invalid_attribute_name /Colour']],
        [2, 'accepted', undefined],
        [3, 'rejected', ['not_an_object ']],
      ],
    );
    const ids = (await receiver.records()).map((record) => JSON.parse(String(record.value)).event_id);
    assert.deepEqual(ids.sort(), ['A-1', 'A-2']);
  });
});
