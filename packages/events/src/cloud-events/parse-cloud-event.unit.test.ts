import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parseEvent } from '../parse-event.ts';
import type { ParsedItem } from '../parsed-item.ts';
import { attributes, options, problemsOf, structured } from './cloud-event-examples.ts';
import { parseCloudEvent } from './parse-cloud-event.ts';

function parse(change: Readonly<Record<string, unknown>> = {}): ParsedItem {
  return parseCloudEvent(structured(change), options);
}

/** A CloudEvent with this text in place of the last member. */
function parseWith(members: string): ParsedItem {
  return parseCloudEvent(Buffer.from(structured().toString().replace(/\}$/, `,${members}}`)), options);
}

describe('a CloudEvent in the JSON format', () => {
  test('becomes the event that its attributes say', () => {
    const item = parse();
    assert.ok(item.ok);
    const { event } = item;
    assert.equal(event.eventId, 'A-1');
    assert.equal(event.source, '/shop');
    assert.equal(event.eventType, 'purchase');
    assert.equal(event.userId, 'user-1');
    assert.equal(event.timestampMicros, Date.UTC(2026, 10, 23, 9, 59, 58) * 1_000 + 123_456);
    assert.equal(event.eventData.toString(), '{"item_id":"42","price":19.9}');
    assert.deepEqual(item.extensions, []);
  });

  test('is written to the log as an event with the text of its data, which reads back as the same event', () => {
    const data = '{ "price":1.50, "item_id":"\\u0034\\u0032" ,"n":[1e2, -0,9007199254740993,0.1000] }';
    const text = structured()
      .toString()
      .replace(/"data":.*\}$/, `"data" :\n ${data} }`);
    const item = parseCloudEvent(Buffer.from(text), options);
    assert.ok(item.ok);
    assert.equal(
      item.value.toString(),
      '{"user_id":"user-1","event_type":"purchase","event_timestamp":"2026-11-23T09:59:58.123456Z","event_id":"A-1",' +
        `"source":"/shop","event_data":${data}}`,
    );
    const again = parseEvent(item.value, options);
    assert.ok(again.ok);
    assert.deepEqual(again.event, item.event);
  });

  test('takes the user from the data where there is no subject', () => {
    for (const subject of [undefined, null]) {
      const item = parse({ subject, data: { item_id: '42', price: 1, user_id: 'user-2' } });
      assert.ok(item.ok);
      assert.equal(item.event.userId, 'user-2');
    }
    const both = parse({ data: { item_id: '42', price: 1, user_id: 'user-2' } });
    assert.equal(both.ok && both.event.userId, 'user-1');
    assert.deepEqual(problemsOf(parse({ subject: undefined })), ['missing_member /subject']);
    for (const user_id of [7, null, ['u']]) {
      const item = parse({ subject: undefined, data: { item_id: '42', price: 1, user_id } });
      assert.deepEqual(problemsOf(item), ['wrong_type /data/user_id']);
    }
    const long = parse({ subject: undefined, data: { item_id: '42', price: 1, user_id: 'u'.repeat(257) } });
    assert.deepEqual(problemsOf(long), ['too_long /data/user_id']);
  });

  test('needs specversion 1.0, id, source, type, time and data, and null is the same as absence', () => {
    for (const name of ['specversion', 'id', 'source', 'type', 'time']) {
      assert.deepEqual(problemsOf(parse({ [name]: undefined })), [`missing_member /${name}`]);
      assert.deepEqual(problemsOf(parse({ [name]: null })), [`missing_member /${name}`]);
      assert.deepEqual(problemsOf(parse({ [name]: 1 })), [`wrong_type /${name}`]);
    }
    assert.deepEqual(problemsOf(parse({ data: undefined })), ['missing_member /data']);
    for (const name of ['id', 'source', 'type', 'subject']) {
      assert.deepEqual(problemsOf(parse({ [name]: '' })), [`too_short /${name}`]);
    }
    assert.deepEqual(problemsOf(parse({ time: '' })), ['invalid_timestamp /time']);
    for (const specversion of ['', '0.3', '1.0.2', '1', '1.1', ' 1.0']) {
      assert.deepEqual(problemsOf(parse({ specversion })), ['unsupported_specversion /specversion']);
    }
  });

  test('tells everything that is wrong at once, at its own members', () => {
    const item = parse({
      id: 'i'.repeat(201),
      source: 'my shop',
      type: 't'.repeat(129),
      time: 'today',
      subject: null,
      Colour: 'red',
      level: 1.5,
      data: { user_id: '', 'a/b': { 'c~d': [1, 2] } },
    });
    assert.deepEqual(problemsOf(item).sort(), [
      'invalid_attribute /source',
      'invalid_attribute_name /Colour',
      'invalid_timestamp /time',
      'too_long /id',
      'too_long /type',
      'too_short /data/user_id',
      'wrong_type /level',
    ]);
    assert.deepEqual(problemsOf(parse({ data: { item_id: 42, price: 'free', tags: ['a', 1] } })), [
      'wrong_type /data/item_id',
      'schema_mismatch /data/price',
      'wrong_type /data/tags/1',
    ]);
    assert.deepEqual(problemsOf(parse({ data: { price: 1 } })), ['missing_member /data/item_id']);
  });

  test('keeps the rules of all events: times, lengths, names given twice, numbers, strings, nesting, size', () => {
    assert.deepEqual(problemsOf(parse({ time: '2026-11-25T00:00:00Z' })), ['timestamp_in_future /time']);
    assert.deepEqual(problemsOf(parse({ time: '1969-12-31T00:00:00Z' })), ['timestamp_out_of_range /time']);
    assert.deepEqual(problemsOf(parse({ source: `/${'s'.repeat(256)}` })), ['too_long /source']);
    assert.deepEqual(problemsOf(parseWith('"id":"A-2"')), ['duplicate_member /id']);
    assert.deepEqual(problemsOf(parseWith('"data":{}')), ['duplicate_member /data']);
    assert.deepEqual(problemsOf(parse({ subject: '\ud800' })), ['lone_surrogate /subject']);
    const inData = (data: string) => problemsOf(parseWith(`"x":1,"data":${data}`));
    assert.deepEqual(inData('{"a":1e999}'), ['number_out_of_range /data/a', 'duplicate_member /data']);
    const deep = (levels: number) => ({
      item_id: '1',
      price: 1,
      deep: JSON.parse('['.repeat(levels) + ']'.repeat(levels)),
    });
    assert.ok(parse({ data: deep(30) }).ok);
    assert.deepEqual(problemsOf(parse({ data: deep(31) })), [`nested_too_deep /data/deep${'/0'.repeat(30)}`]);
  });

  test('is no larger than an event may be, neither as it came nor as it is written', () => {
    const sent = structured({ ext: 'x'.repeat(200) });
    const item = parseCloudEvent(sent, options);
    assert.ok(item.ok);
    const atMost = (maxBytes: number, bytes: Buffer) => problemsOf(parseCloudEvent(bytes, { ...options, maxBytes }));
    assert.deepEqual(atMost(sent.length, sent), []);
    assert.deepEqual(atMost(sent.length - 1, sent), ['event_too_large ']);
    assert.ok(item.value.length > structured().length);
    assert.deepEqual(atMost(item.value.length, structured()), []);
    assert.deepEqual(atMost(item.value.length - 1, structured()), ['event_too_large ']);
  });

  test('is refused as a whole where it is not JSON, or no object', () => {
    const broken = parseCloudEvent(Buffer.from('{"specversion":"1.0",}'), options);
    assert.ok(!broken.ok);
    assert.equal(broken.kind, 'syntax');
    for (const text of ['[]', '"x"', 'null', '1']) {
      const item = parseCloudEvent(Buffer.from(text), options);
      assert.ok(!item.ok);
      assert.equal(item.kind, 'event');
      assert.deepEqual(problemsOf(item), ['not_an_object ']);
    }
  });

  test('waits for the schema of its type only when nothing else is wrong with it', () => {
    const waiting = { ...options, typeSchemas: { find: () => 'not_loaded' as const } };
    const item = parseCloudEvent(structured(), waiting);
    assert.deepEqual(item, { ok: false, kind: 'schema_not_loaded', eventType: 'purchase', problems: [] });
    assert.deepEqual(problemsOf(parseCloudEvent(structured({ A: 1 }), waiting)), ['invalid_attribute_name /A']);
  });
});

describe('the data of a CloudEvent in the JSON format', () => {
  test('is an object, and not base64', () => {
    for (const data of [null, 'text', 1, true, []]) assert.deepEqual(problemsOf(parse({ data })), ['wrong_type /data']);
    assert.deepEqual(problemsOf(parse({ data: undefined, data_base64: 'e30=' })), ['unsupported_data /data_base64']);
    assert.deepEqual(problemsOf(parse({ data_base64: 'e30=' })), ['unsupported_data /data_base64']);
    assert.ok(parse({ data_base64: null }).ok);
  });

  test('is JSON, which datacontenttype may say in every way', () => {
    for (const datacontenttype of [
      null,
      'application/json',
      'application/vnd.a+json; v=1',
      'text/json;charset=UTF-8',
    ]) {
      assert.ok(parse({ datacontenttype }).ok, String(datacontenttype));
    }
    for (const datacontenttype of ['text/plain', 'application/xml', 'application/json; charset=utf-16']) {
      assert.deepEqual(problemsOf(parse({ datacontenttype })), ['unsupported_data /datacontenttype']);
    }
    for (const datacontenttype of ['', 'json', 'a b']) {
      assert.deepEqual(problemsOf(parse({ datacontenttype })), ['invalid_attribute /datacontenttype']);
    }
    assert.deepEqual(problemsOf(parse({ datacontenttype: 1 })), ['wrong_type /datacontenttype']);
  });
});

describe('extensions', () => {
  test('are strings, integers of 32 bits and booleans, as text beside the event', () => {
    const item = parseWith(
      '"a":"","b":"\u00e4 \\ud83e\\udd8a","c":true,"d":false,"e":2147483647,"f":-2147483648,"g":0,"h":null,"1":"x","traceparent":"00-1-2-3"',
    );
    assert.ok(item.ok);
    assert.deepEqual([...item.extensions].sort(), [
      ['1', 'x'],
      ['a', ''],
      ['b', '\u00e4 \u{1f98a}'],
      ['c', 'true'],
      ['d', 'false'],
      ['e', '2147483647'],
      ['f', '-2147483648'],
      ['g', '0'],
      ['traceparent', '00-1-2-3'],
    ]);
  });

  test('of other types are refused', () => {
    for (const text of ['1.5', '1.0', '1e3', '2147483648', '-2147483649', '{}', '[]', '["a"]', '1e400']) {
      assert.ok(
        problemsOf(parseWith(`"ext":${text}`)).includes(
          text === '1e400' ? 'number_out_of_range /ext' : 'wrong_type /ext',
        ),
        text,
      );
    }
  });

  test('do not hold control characters or noncharacters', () => {
    for (const character of ['\n', '\u007f', '\u0085', '\ufdd0', '\ufffe', '\u{1ffff}']) {
      assert.deepEqual(
        problemsOf(parse({ ext: `a${character}` })),
        ['invalid_attribute /ext'],
        JSON.stringify(character),
      );
      assert.deepEqual(problemsOf(parse({ subject: `a${character}` })), ['invalid_attribute /subject']);
    }
    assert.ok(parse({ data: { item_id: 'a\n\u0085\ufffe', price: 1 } }).ok, 'the data may');
  });

  test('have names of a-z and 0-9', () => {
    for (const name of ['A', 'aB', 'a_b', 'a-b', 'a.b', '', '\u00e4', '__proto__', 'user_id']) {
      const text = `${JSON.stringify(name)}:"x"`;
      assert.deepEqual(problemsOf(parseWith(text)), [`invalid_attribute_name /${name}`], name);
    }
    assert.ok(parse({ averylongnamethatnobodyshouldgivebutmay: 'x', constructor: 'x' }).ok);
  });

  test('carry dataschema, which has no member in an event', () => {
    const item = parse({ dataschema: 'https://a.example/order#/v1' });
    assert.deepEqual(item.ok && item.extensions, [['dataschema', 'https://a.example/order#/v1']]);
    for (const dataschema of ['', '/order', 'a b']) {
      assert.deepEqual(problemsOf(parse({ dataschema })), ['invalid_attribute /dataschema']);
    }
  });
});

test('whatever is accepted is an event whose text reads back the same; whatever is not has problems', () => {
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 2, stringUnit: 'binary' }),
    fc.constantFrom(undefined, null, '', '1.0'),
  );
  const name = fc.oneof(
    fc.constantFrom(...Object.keys(attributes), 'data', 'data_base64', 'datacontenttype'),
    fc.string(),
  );
  const change = fc.dictionary(name, value, { maxKeys: 2 });
  let accepted = 0;
  fc.assert(
    fc.property(change, fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), (members, extra) => {
      const item = parse({ type: 'view', data: extra, ...members });
      if (!item.ok) return assert.ok(item.problems.length > 0);
      accepted++;
      const again = parseEvent(item.value, options);
      assert.ok(again.ok);
      assert.deepEqual(again.event, item.event);
    }),
    { numRuns: 1_000 },
  );
  assert.ok(accepted > 100, `only ${accepted} were accepted`);
});
