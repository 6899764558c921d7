import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { event, headerOf, NDJSON, outcomes, resultsOf, valuesOf } from './batches-under-test.ts';
import {
  type Answer,
  EVENT,
  NOW_MS,
  problemOf,
  type ReceiverUnderTest,
  startTestReceiver,
  untilTrue,
} from './receiver-under-test.ts';

/** The same batch in the two ways in which it can be written. */
const WAYS: [way: string, send: (kero: ReceiverUnderTest, items: readonly string[]) => Promise<Answer>][] = [
  ['an array', (kero, items) => kero.post(`[${items.join(',')}]`)],
  ['NDJSON', (kero, items) => kero.post(items.join('\n'), NDJSON)],
];

for (const [way, send] of WAYS) {
  describe(`a batch as ${way}`, () => {
    test('of good events is 202 with their ids in order, and they are in the log byte for byte', async (t) => {
      const kero = await startTestReceiver(t);
      const items = ['a', 'b', 'c'].map((id) =>
        `{ "event_id":"${id}", "price":1 }`.replace('"price":1', JSON.stringify(EVENT).slice(1, -1)),
      );
      items[1] = items[1]!.replace('19.9', '19.90').replace('"item_id"', '"n":9007199254740993,"item_id"');
      const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
      const answer = await send(kero, items);
      assert.equal(answer.status, 202);
      assert.deepEqual(Object.keys(answer.json), ['status', 'accepted', 'rejected', 'ids']);
      assert.equal(answer.headers.get('content-type'), 'application/json');
      const { status, accepted, rejected, ids } = answer.json;
      assert.deepEqual([status, accepted, rejected], ['accepted', 3, 0]);
      const single = await Promise.all(items.map((item) => kero.post(item, { traceparent })));
      assert.deepEqual(
        ids,
        single.map(({ json }) => json.id),
        'the same event has the same id, alone or in a batch',
      );
      assert.equal(kero.receiver.counts.accepted, 6);
      const records = (await kero.records()).slice(0, 3);
      assert.deepEqual(valuesOf(records), items);
      assert.deepEqual(
        records.map((record) => headerOf(record, 'kero-id')),
        ids,
      );
      assert.equal(records[0]?.key?.toString(), EVENT.user_id);
      assert.equal(headerOf(records[2], 'kero-received-at'), new Date(NOW_MS).toISOString());
      assert.equal(headerOf(records[2], 'content-type'), 'application/json');
      assert.equal(headerOf(records[2], 'kero-schema'), 'built-in:purchase');
    });

    test('of one event is a batch', async (t) => {
      const kero = await startTestReceiver(t);
      const answer = await send(kero, [event('a')]);
      // NDJSON of one line and an array of one item: both have ids, not an id.
      assert.equal(answer.status, 202);
      assert.equal((answer.json.ids as string[]).length, 1);
    });

    test('with bad events among good ones is 207; the good ones alone are in the log, in their order', async (t) => {
      const kero = await startTestReceiver(t);
      const items = [
        event('0'),
        event('1', { user_id: '' }),
        event('2'),
        '"text"',
        event('4', { event_data: { price: 'a lot', item_id: 'x' } }),
        event('5'),
        'null',
        event('7', { event_timestamp: '2026-11-24T10:00:01Z' }),
      ];
      const answer = await send(kero, items);
      assert.equal(answer.status, 207, answer.text);
      assert.equal(answer.headers.get('content-type'), 'application/json');
      assert.deepEqual(Object.keys(answer.json), ['status', 'accepted', 'rejected', 'results']);
      assert.deepEqual([answer.json.status, answer.json.accepted, answer.json.rejected], ['partial', 3, 5]);
      const bad = 'invalid_event';
      assert.deepEqual(outcomes(answer), ['id', bad, 'id', bad, bad, 'id', bad, bad]);
      const problem = resultsOf(answer)[4]?.problem;
      assert.deepEqual(Object.keys(problem ?? {}), ['type', 'title', 'status', 'detail', 'errors', 'retryable']);
      assert.deepEqual([problem?.status, problem?.retryable], [422, false]);
      assert.deepEqual(
        problem?.errors?.map(({ pointer, code }) => [pointer, code]),
        [['/event_data/price', 'schema_mismatch']],
        'pointers are relative to the item',
      );
      assert.equal(kero.receiver.counts.accepted, 3);
      assert.equal(kero.receiver.counts.rejected.invalid_event, 5);
      assert.deepEqual(
        valuesOf(await kero.records()),
        [0, 2, 5].map((n) => items[n]),
      );
    });

    test('of nothing but bad events is 422 with the results, and nothing is in the log', async (t) => {
      const kero = await startTestReceiver(t);
      const answer = await send(kero, [event('0', { source: '' }), '{}', '[]']);
      const problem = problemOf(answer, 422, 'batch_refused');
      assert.match(problem.detail, /^None of the 3 events/);
      assert.deepEqual([answer.json.accepted, answer.json.rejected], [0, 3]);
      assert.deepEqual(outcomes(answer), ['invalid_event', 'invalid_event', 'invalid_event']);
      assert.equal(answer.headers.get('retry-after'), null);
      assert.equal(kero.receiver.counts.rejected.invalid_event, 3);
      assert.equal(kero.receiver.counts.rejected.batch_refused, 0, 'events are counted, not the answer too');
      assert.deepEqual(await kero.records(), []);
    });

    test('may have the same event twice: both are accepted, with the same id', async (t) => {
      const kero = await startTestReceiver(t);
      const answer = await send(kero, [event('a'), event('b'), event('a')]);
      assert.equal(answer.status, 202);
      const ids = answer.json.ids as string[];
      assert.equal(ids[0], ids[2]);
      assert.notEqual(ids[0], ids[1]);
      assert.equal((await kero.records()).length, 3);
    });

    test('keeps the order of the events of each user', async (t) => {
      const kero = await startTestReceiver(t);
      const items = Array.from({ length: 600 }, (_, n) => event(String(n), { user_id: `user-${n % 7}` }));
      assert.equal((await send(kero, items)).status, 202);
      const records = await kero.records();
      assert.equal(records.length, 600);
      for (let user = 0; user < 7; user++) {
        const own = valuesOf(records.filter(({ key }) => String(key) === `user-${user}`));
        assert.deepEqual(
          own,
          items.filter((_, n) => n % 7 === user),
        );
      }
    });

    test('of RECEIVER_MAX_BATCH events passes, one more is 413 and names the limit', async (t) => {
      const kero = await startTestReceiver(t, { settings: { RECEIVER_MAX_BATCH: '5' } });
      const items = Array.from({ length: 5 }, (_, n) => event(String(n)));
      assert.equal((await send(kero, items)).status, 202);
      const problem = problemOf(await send(kero, [...items, event('5')]), 413, 'batch_too_large');
      assert.match(problem.detail, /5 events \(RECEIVER_MAX_BATCH\)/);
      assert.equal((await kero.records()).length, 5);
    });

    test('of 10,000 events passes, one more does not', async (t) => {
      const kero = await startTestReceiver(t);
      const item = '{"user_id":"u","event_type":"t","event_timestamp":"2026-11-23T09:00:00Z","event_data":{}}';
      const items = Array.from({ length: 10_000 }, () => item);
      const answer = await send(kero, items);
      assert.equal(answer.status, 202);
      assert.equal((answer.json.ids as string[]).length, 10_000);
      problemOf(await send(kero, [...items, item]), 413, 'batch_too_large');
      assert.equal((await kero.records()).length, 10_000);
      await untilTrue(() => kero.receiver.counts.bytesInFlight === 0);
    });

    test('has a limit for the text of each event: at EVENTS_MAX_BYTES it passes, one byte more is its problem', async (t) => {
      const kero = await startTestReceiver(t, { settings: { EVENTS_MAX_BYTES: '2000' } });
      const ofSize = (id: string, bytes: number) => {
        const text = event(id, { event_type: 'visit', event_data: { text: '' } });
        return text.replace('"text":"', `"text":"${'x'.repeat(bytes - text.length)}`);
      };
      const items = [ofSize('a', 2000), ofSize('b', 2001), ofSize('c', 2000)];
      const answer = await send(kero, items);
      assert.equal(answer.status, 207);
      assert.deepEqual(outcomes(answer), ['id', 'event_too_large', 'id']);
      assert.match(resultsOf(answer)[1]?.problem?.detail ?? '', /2001.*2000.*EVENTS_MAX_BYTES/);
      assert.deepEqual(valuesOf(await kero.records()), [items[0], items[2]]);
    });

    test('that meets bad events is one log line with counts by code, and nothing of what was sent', async (t) => {
      const kero = await startTestReceiver(t);
      await send(kero, [event('a')]);
      assert.deepEqual(
        kero.logLines.filter(({ requestId }) => requestId !== undefined),
        [],
      );
      const secret = event('b', { user_id: '', 'secret-name': 'secret-value' });
      const answer = await send(kero, [event('a'), secret, secret, '7']);
      const lines = kero.logLines.filter(({ requestId }) => requestId === answer.headers.get('x-request-id'));
      assert.equal(lines.length, 1);
      const { level, status, accepted, rejected, problems } = lines[0]!;
      assert.deepEqual(
        { level, status, accepted, rejected },
        { level: 'info', status: 207, accepted: 1, rejected: { invalid_event: 3 } },
      );
      assert.deepEqual(new Set(problems as string[]), new Set(['too_short', 'unknown_member', 'not_an_object']));
      assert.doesNotMatch(JSON.stringify(kero.logLines), /secret/);
    });
  });
}

describe('an array', () => {
  const good = event('a');
  const broken: [what: string, body: string | Buffer, code: string][] = [
    ['that does not end', `[${good},${good}`, 'invalid_json'],
    ['with a comma too many', `[${good},]`, 'invalid_json'],
    ['with a broken item', `[${good},{"user_id":},${good}]`, 'invalid_json'],
    ['with something behind it', `[${good}]${good}`, 'invalid_json'],
    ['with another array behind it', `[${good}][${good}]`, 'invalid_json'],
    ['of lines', `[${good}\n${good}]`, 'invalid_json'],
    ['that never ends', '['.repeat(100_000), 'invalid_json'],
    ['with a byte order mark', `\ufeff[${good}]`, 'byte_order_mark'],
    [
      'with bytes that are not UTF-8',
      Buffer.concat([Buffer.from(`[${good},"`), Buffer.from([0xff, 0x22, 0x5d])]),
      'invalid_utf8',
    ],
  ];
  for (const [what, body, code] of broken) {
    test(`${what} is 400 for the whole body with the place, and no item of it is in the log`, async (t) => {
      const kero = await startTestReceiver(t);
      const problem = problemOf(await kero.post(body), 400, code);
      assert.equal(problem.errors?.length, 1);
      if (code === 'invalid_json') assert.match(problem.detail, /Line \d+, column \d+ \(byte \d+\)/);
      assert.equal(kero.receiver.counts.rejected[code as 'invalid_json'], 1);
      assert.deepEqual(await kero.records(), []);
    });
  }

  test('without items is 422', async (t) => {
    const kero = await startTestReceiver(t);
    for (const body of ['[]', ' [ ] \n']) problemOf(await kero.post(body), 422, 'empty_batch');
    assert.deepEqual(await kero.records(), []);
  });

  test('may have white space around its items, which is no part of them', async (t) => {
    const kero = await startTestReceiver(t);
    const answer = await kero.post(` \n[\t${event('a')} ,\r\n  ${event('b')}\n]\n`);
    assert.equal(answer.status, 202);
    assert.deepEqual(valuesOf(await kero.records()), [event('a'), event('b')]);
  });

  test('in an array is an item that is no event', async (t) => {
    const kero = await startTestReceiver(t);
    const answer = await kero.post(`[[${event('a')}],${event('b')}]`);
    assert.deepEqual(outcomes(answer), ['invalid_event', 'id']);
    assert.equal(resultsOf(answer)[0]?.problem?.errors?.[0]?.code, 'not_an_object');
  });
});

describe('NDJSON', () => {
  test('has its bad lines answered one by one, each with its own code', async (t) => {
    const kero = await startTestReceiver(t);
    const lines: [line: string | Buffer, outcome: string, status?: number][] = [
      [event('0'), 'id'],
      ['{"user_id":', 'invalid_json', 400],
      [event('2'), 'id'],
      [Buffer.from('{"user_id":"\xff"}', 'latin1'), 'invalid_utf8', 400],
      [`\ufeff${event('4')}`, 'byte_order_mark', 400],
      [`${event('5')},`, 'invalid_json', 400],
      [`${event('6')}${event('6')}`, 'invalid_json', 400],
      [event('7', { event_type: 7 }), 'invalid_event', 422],
      ['[', 'invalid_json', 400],
      [`[${event('9')}]`, 'invalid_event', 422],
      [event('10'), 'id'],
    ];
    const body = Buffer.concat(lines.flatMap(([line]) => [Buffer.from(line), Buffer.from('\n')]));
    const answer = await kero.post(body, NDJSON);
    assert.equal(answer.status, 207);
    assert.deepEqual(
      outcomes(answer),
      lines.map(([, outcome]) => outcome),
    );
    for (const [index, [, , status]] of lines.entries()) {
      assert.equal(resultsOf(answer)[index]?.problem?.status, status);
    }
    assert.match(resultsOf(answer)[1]?.problem?.detail ?? '', /Line 1, column 12 \(byte 11\)/, 'the place in the line');
    assert.deepEqual(valuesOf(await kero.records()), [event('0'), event('2'), event('10')]);
  });

  test('has no answer for blank lines, and they have no index; lines may end with CR LF', async (t) => {
    const kero = await startTestReceiver(t);
    const answer = await kero.post(`\n \r\n${event('a')}\r\n\r\n\t{}\n\n${event('b')} \n\n`, NDJSON);
    assert.deepEqual(outcomes(answer), ['id', 'invalid_event', 'id']);
    assert.deepEqual(valuesOf(await kero.records()), [event('a'), event('b')]);
  });

  test('needs no line end behind its last line', async (t) => {
    const kero = await startTestReceiver(t);
    for (const body of [event('a'), `${event('a')}\n`, `${event('a')}\r\n`]) {
      assert.equal((await kero.post(body, NDJSON)).json.accepted, 1);
    }
  });

  test('of nothing, or of blank lines alone, is an empty body', async (t) => {
    const kero = await startTestReceiver(t);
    for (const body of ['', '\n', ' \r\n\t\n']) problemOf(await kero.post(body, NDJSON), 400, 'empty_body');
  });

  test('may say its charset, which is UTF-8', async (t) => {
    const kero = await startTestReceiver(t);
    const answer = await kero.post(event('a'), { 'content-type': 'Application/X-NDJSON; charset=UTF-8' });
    assert.equal(answer.status, 202);
  });

  test('that is an array over several lines is refused line by line', async (t) => {
    const kero = await startTestReceiver(t);
    const answer = await kero.post(`[\n${event('a')},\n${event('b')}\n]`, NDJSON);
    assert.equal(answer.status, 207, answer.text);
    assert.deepEqual(outcomes(answer), ['invalid_json', 'invalid_json', 'id', 'invalid_json']);
  });
});

test('what an answer lists is bounded, however much is wrong with a batch', async (t) => {
  const kero = await startTestReceiver(t, { settings: { RECEIVER_MAX_BODY: '10MiB' } });
  const members = Array.from({ length: 90 }, (_, n) => `"x${n}":0`).join();
  const body = Array.from({ length: 5000 }, () => `{${members}}`).join('\n');
  const answer = await kero.post(body, NDJSON);
  problemOf(answer, 422, 'batch_refused');
  const results = resultsOf(answer);
  assert.equal(results.length, 5000);
  assert.equal(results[0]?.problem?.errors?.length, 94);
  assert.equal(results[4999]?.problem?.errors?.length, 1);
  assert.match(results[4999]?.problem?.detail ?? '', /94 problems/);
  assert.ok(answer.text.length < 3 * body.length, `${answer.text.length}`);
});
