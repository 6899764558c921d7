import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ParsedItem } from '../parsed-item.ts';
import { attributes, options, problemsOf, structured } from './cloud-event-examples.ts';
import { isBinaryCloudEvent, parseBinaryCloudEvent } from './parse-binary-cloud-event.ts';
import { parseCloudEvent } from './parse-cloud-event.ts';

const DATA = '{"item_id":"42","price":19.9}';

/** The headers of the example, with changes; undefined leaves one out. */
function headers(change: Readonly<Record<string, string | undefined>> = {}): string[] {
  const ce = Object.entries(attributes).map(([name, value]) => [`ce-${name}`, value] as const);
  const all = { Host: 'a.example', 'Content-Type': 'application/json', ...Object.fromEntries(ce), ...change };
  return Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [name, value]));
}

function parse(change: Readonly<Record<string, string | undefined>> = {}, body: string | Buffer = DATA): ParsedItem {
  return parseBinaryCloudEvent(headers(change), Buffer.from(body), options);
}

describe('a CloudEvent in binary mode', () => {
  test('becomes the same event as the same CloudEvent in the JSON format', () => {
    const item = parse();
    assert.ok(item.ok);
    assert.deepEqual(item, parseCloudEvent(structured(), options));
  });

  test('keeps every byte of its data', () => {
    const data = ' { "n": [1.50, 1e2, -0, 9007199254740993],"\\u0061":"\u00e4" }\n';
    const item = parse({ 'ce-type': 'view' }, data);
    assert.ok(item.ok);
    assert.equal(item.event.eventData.toString(), data.trim());
    assert.ok(item.value.toString().endsWith(`"event_data":${data}}`));
  });

  test('has its attributes percent-encoded', () => {
    const item = parse({
      'ce-id': 'Euro%20%E2%82%AC%20%F0%9F%98%80',
      'ce-subject': '"us\\"er 1"',
      'ce-type': '100%',
      'ce-source': '/a%2520b',
      'ce-Colour': 'gr%c3%bcn',
    });
    assert.ok(item.ok);
    assert.equal(item.event.eventId, 'Euro \u20ac \u{1f600}');
    assert.equal(item.event.userId, 'us"er 1');
    assert.equal(item.event.eventType, '100%');
    assert.equal(item.event.source, '/a%20b');
    assert.deepEqual(item.extensions, [['colour', 'gr\u00fcn']]);
  });

  test('names the header that is wrong', () => {
    for (const name of ['specversion', 'id', 'source', 'type', 'time']) {
      assert.deepEqual(problemsOf(parse({ [`ce-${name}`]: undefined })), [`missing_member /ce-${name}`]);
    }
    assert.deepEqual(problemsOf(parse({ 'ce-subject': undefined })), ['missing_member /ce-subject']);
    assert.deepEqual(problemsOf(parse({ 'ce-specversion': '0.3' })), ['unsupported_specversion /ce-specversion']);
    assert.deepEqual(problemsOf(parse({ 'ce-id': '' })), ['too_short /ce-id']);
    assert.deepEqual(problemsOf(parse({ 'ce-subject': '' })), ['too_short /ce-subject']);
    assert.deepEqual(problemsOf(parse({ 'ce-subject': '%C0%A0' })), ['invalid_header /ce-subject']);
    assert.deepEqual(problemsOf(parse({ 'ce-subject': '\u00e4' })), ['invalid_header /ce-subject']);
    assert.deepEqual(problemsOf(parse({ 'ce-subject': 'a\tb' })), ['invalid_attribute /ce-subject']);
    assert.deepEqual(problemsOf(parse({ 'ce-subject': 'a%0Ab' })), ['invalid_attribute /ce-subject']);
    assert.deepEqual(problemsOf(parse({ 'ce-subject': '%00' })).sort(), [
      'invalid_attribute /ce-subject',
      'null_character /ce-subject',
    ]);
    assert.deepEqual(problemsOf(parse({ 'ce-ext': '%EF%BF%BE' })), ['invalid_attribute /ce-ext']);
    assert.deepEqual(problemsOf(parse({ 'ce-source': 'my%20shop' })), ['invalid_attribute /ce-source']);
    assert.deepEqual(problemsOf(parse({ 'ce-time': 'now' })), ['invalid_timestamp /ce-time']);
    for (const name of ['ce-', 'ce-a_b', 'ce-a-b', 'ce-data', 'ce-datacontenttype']) {
      assert.deepEqual(problemsOf(parse({ [name]: 'x' })), [`invalid_attribute_name /${name}`]);
    }
  });

  test('refuses a header that is given twice, in whatever case', () => {
    const twice = parseBinaryCloudEvent([...headers(), 'CE-Id', 'A-1'], Buffer.from(DATA), options);
    assert.deepEqual(problemsOf(twice), ['duplicate_member /ce-id']);
  });

  test('has an object as data; a user in it is taken where there is no subject', () => {
    const item = parse({ 'ce-subject': undefined, 'ce-type': 'view' }, '{"user_id":"user-2"}');
    assert.equal(item.ok && item.event.userId, 'user-2');
    assert.deepEqual(problemsOf(parse({ 'ce-subject': undefined, 'ce-type': 'view' }, '{"user_id":2}')), [
      'wrong_type /data/user_id',
    ]);
    for (const body of ['[]', '"x"', 'null', '1']) assert.deepEqual(problemsOf(parse({}, body)), ['wrong_type /data']);
    assert.deepEqual(problemsOf(parse({}, '{"item_id":"1","price":1,"a":{"b":1e400,"b":"\\ud800"}}')).sort(), [
      'duplicate_member /data/a/b',
      'lone_surrogate /data/a/b',
      'number_out_of_range /data/a/b',
    ]);
    assert.deepEqual(problemsOf(parse({}, '{"price":1}')), ['missing_member /data/item_id']);
  });

  test('counts the levels of its data from the second: the event is the first', () => {
    const deep = (levels: number) => `{"item_id":"1","price":1,"a":${'['.repeat(levels)}${']'.repeat(levels)}}`;
    assert.ok(parse({}, deep(30)).ok);
    assert.deepEqual(problemsOf(parse({}, deep(31))), [`nested_too_deep /data/a${'/0'.repeat(30)}`]);
  });

  test('is refused as a whole where its body is no JSON, and tells the place in the body', () => {
    for (const [body, code] of [
      ['', 'empty_body'],
      ['{"a":1,}', 'invalid_json'],
      ['{}},"user_id":"other"', 'invalid_json'],
      ['\ufeff{}', 'byte_order_mark'],
      [Buffer.from([0x7b, 0xff]), 'invalid_utf8'],
    ] as const) {
      const item = parse({}, body);
      assert.ok(!item.ok);
      assert.equal(item.kind, 'syntax');
      assert.deepEqual(problemsOf(item), [`${code} `]);
    }
    const item = parse({}, '{\n"a":}');
    assert.match(item.ok ? '' : (item.problems[0]?.detail ?? ''), /^Line 2, column 5 \(byte 6\)/);
  });

  test('is no larger than an event may be', () => {
    const tooLarge = parseBinaryCloudEvent(headers(), Buffer.from(DATA), { ...options, maxBytes: DATA.length - 1 });
    assert.deepEqual(problemsOf(tooLarge), ['event_too_large ']);
  });
});

test('a request is in binary mode when it has one of the headers that every CloudEvent has', () => {
  for (const name of ['ce-specversion', 'ce-id', 'ce-source', 'ce-type']) assert.ok(isBinaryCloudEvent({ [name]: '' }));
  assert.ok(!isBinaryCloudEvent({ 'ce-time': '2026-11-23T09:59:58Z', 'content-type': 'application/json' }));
});
