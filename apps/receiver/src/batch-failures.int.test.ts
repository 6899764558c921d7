import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { AppendError, type MessagingErrorCode, messagingError, type NewRecord, type Producer } from '@kero/messaging';
import { builtInSchemas, type SchemaSource } from '@kero/schemas';
import {
  type Answer,
  EVENT,
  postHead,
  problemOf,
  type ReceiverUnderTest,
  rawConnection,
  startTestReceiver,
  untilTrue,
} from './receiver-under-test.ts';

const event = (eventId: string | number) => JSON.stringify({ ...EVENT, event_id: String(eventId) });
const BATCH = `[${event(0)},{},${event(2)},${event(3)}]`;

/** The real producer, except that what `append` does is decided here. */
function withAppend(append: (records: readonly NewRecord[], real: Producer) => Promise<void>) {
  return (producer: Producer): Producer => ({
    append: (records) => append(records, producer),
    health: () => producer.health(),
    close: () => producer.close(),
  });
}

/** A log that takes all records but those at `failed`, which it does not store. */
function failingAt(failed: Readonly<Record<number, MessagingErrorCode>>, retryAfterMs?: number) {
  return withAppend(async (records, real) => {
    const failures = new Map<number, ReturnType<typeof messagingError>>();
    for (const index of records.keys()) {
      const code = failed[index];
      if (code) failures.set(index, messagingError(code, 'broker kafka-7.internal:9092 said no'));
    }
    const good = records.filter((_, index) => !failures.has(index));
    await real.append(good, { deadlineMs: 10_000 });
    if (failures.size > 0) throw new AppendError(failures, retryAfterMs === undefined ? {} : { retryAfterMs });
  });
}

type Result = {
  index: number;
  status: string;
  id?: string;
  problem?: { type: string; status: number; retryable: boolean };
};

function outcomes(answer: Answer): (string | [code: string, status: number, retryable: boolean])[] {
  return (answer.json.results as Result[]).map(({ problem }) =>
    problem ? [problem.type.replace('urn:kero:problem:', ''), problem.status, problem.retryable] : 'id',
  );
}

const INVALID = ['invalid_event', 422, false];

describe('when the log does not take some events of a batch', () => {
  test('those are named with their own reasons by their place in the batch, and the others are in the log', async (t) => {
    const kero = await startTestReceiver(t, {
      wrapProducer: failingAt({ 0: 'record_too_large', 2: 'log_unavailable' }),
    });
    const answer = await kero.post(BATCH);
    assert.equal(answer.status, 207);
    assert.deepEqual(outcomes(answer), [
      ['record_too_large', 413, false],
      INVALID,
      'id',
      ['log_unavailable', 503, true],
    ]);
    assert.doesNotMatch(answer.text, /kafka-7/);
    assert.equal(kero.receiver.counts.accepted, 1);
    assert.equal(kero.receiver.counts.rejected.record_too_large, 1);
    assert.equal(kero.receiver.counts.rejected.log_unavailable, 1);
    const [line, ...more] = kero.logLines.filter(({ requestId }) => requestId !== undefined);
    assert.deepEqual(more, []);
    assert.match(JSON.stringify(line), /kafka-7/, 'the log line tells why');
    assert.deepEqual(
      (await kero.records()).map(({ value }) => String(value)),
      [event(2)],
    );
  });

  const all = (code: MessagingErrorCode) => ({ 0: code, 1: code, 2: code });
  const cases: [failed: Record<number, MessagingErrorCode>, status: number, code: string, retryAfter: string | null][] =
    [
      [all('log_unavailable'), 503, 'batch_not_confirmed', '5'],
      [all('log_overloaded'), 503, 'batch_not_confirmed', '1'],
      [all('log_closed'), 503, 'batch_not_confirmed', '1'],
      [{ ...all('record_too_large'), 1: 'log_overloaded' }, 503, 'batch_not_confirmed', '1'],
      [all('record_too_large'), 422, 'batch_refused', null],
      [all('log_refused'), 422, 'batch_refused', null],
    ];
  for (const [failed, status, code, retryAfter] of cases) {
    test(`and none of it is accepted (${Object.values(failed).join(', ')}), it is ${status}`, async (t) => {
      const kero = await startTestReceiver(t, { wrapProducer: failingAt(failed) });
      const answer = await kero.post(BATCH);
      problemOf(answer, status, code);
      assert.equal(answer.headers.get('retry-after'), retryAfter);
      assert.equal(outcomes(answer).length, 4);
      assert.ok(!outcomes(answer).includes('id'));
      assert.equal(kero.receiver.counts.accepted, 0);
      assert.deepEqual(await kero.records(), []);
    });
  }

  test('and knows when to come back, Retry-After says so', async (t) => {
    const kero = await startTestReceiver(t, { wrapProducer: failingAt(all('log_unavailable'), 2300) });
    assert.equal((await kero.post(BATCH)).headers.get('retry-after'), '3');
  });

  const outside: [what: string, error: unknown][] = [
    ['another error', new TypeError('cannot read secret of undefined')],
    ['an error that names nothing', new AppendError(new Map())],
    ['an error that names what was not sent', new AppendError(new Map([[7, messagingError('log_unavailable', 'x')]]))],
    ['nothing', undefined],
  ];
  for (const [what, error] of outside) {
    test(`and fails with ${what}, no event is called accepted, and all may be sent again`, async (t) => {
      const kero = await startTestReceiver(t, { wrapProducer: withAppend(() => Promise.reject(error)) });
      const answer = await kero.post(BATCH);
      problemOf(answer, 503, 'batch_not_confirmed');
      const unknown = ['internal_error', 500, true];
      assert.deepEqual(outcomes(answer), [unknown, INVALID, unknown, unknown]);
      assert.doesNotMatch(answer.text, /secret|\.ts\b|TypeError/);
      assert.ok(kero.logLines.some(({ level }) => level === 'error'));
    });
  }

  test('and never answers, the answer is 503 at the deadline, and a late confirmation changes nothing', async (t) => {
    let confirm: (() => void) | undefined;
    const kero = await startTestReceiver(t, {
      settings: { RECEIVER_DEADLINE: '200ms' },
      wrapProducer: withAppend(() => new Promise((resolve) => (confirm = resolve))),
    });
    const answer = await kero.post(BATCH);
    problemOf(answer, 503, 'batch_not_confirmed');
    const unknown = ['log_unavailable', 503, true];
    assert.deepEqual(outcomes(answer), [unknown, INVALID, unknown, unknown]);
    confirm?.();
    assert.equal((await kero.request('/health/live')).status, 200);
    assert.equal(kero.receiver.counts.accepted, 0);
    await untilTrue(() => kero.receiver.counts.bytesInFlight === 0);
  });
});

test('a record that is larger than the log takes is the problem of its event alone', async (t) => {
  const kero = await startTestReceiver(t, { maxRecordBytes: 1000 });
  const large = JSON.stringify({ ...EVENT, event_type: 'visit', event_data: { text: 'x'.repeat(1000) } });
  const answer = await kero.post(`[${event(0)},${large},${event(2)}]`);
  assert.deepEqual(outcomes(answer), ['id', ['record_too_large', 413, false], 'id']);
  assert.equal((await kero.records()).length, 2);
});

test('a batch is given to the log in one call, and a batch without good events not at all', async (t) => {
  const calls: number[] = [];
  const wrapProducer = withAppend(async (records, real) => {
    calls.push(records.length);
    await real.append(records, { deadlineMs: 10_000 });
  });
  const kero = await startTestReceiver(t, { wrapProducer });
  await kero.post(BATCH);
  await kero.post('[{},{}]');
  assert.deepEqual(calls, [3]);
});

test('many batches at the same time, good, mixed and bad, have each the answer that is its own', async (t) => {
  const kero = await startTestReceiver(t);
  const accepted: string[] = [];
  await Promise.all(
    Array.from({ length: 60 }, async (_, batch) => {
      const isGood = (n: number) => batch % 3 === 0 || (batch % 3 === 1 && n % 5 > 0);
      const items = Array.from({ length: 100 }, (_, n) => (isGood(n) ? event(`${batch}-${n}`) : '{"user_id":1}'));
      const answer = await kero.post(`[${items}]`);
      assert.equal(answer.status, [202, 207, 422][batch % 3], answer.text);
      if (batch % 3 < 2) accepted.push(...items.filter((_, n) => isGood(n)));
    }),
  );
  const stored = (await kero.records()).map(({ value }) => String(value));
  assert.deepEqual(stored.sort(), accepted.sort());
  assert.equal(kero.receiver.counts.accepted, accepted.length);
  await untilTrue(() => kero.receiver.counts.bytesInFlight === 0);
});

test('each event of a batch counts as in flight by more than its text; a batch that is alone is let through', async (t) => {
  const waiting: (() => void)[] = [];
  const kero = await startTestReceiver(t, {
    settings: { RECEIVER_MAX_IN_FLIGHT: '40000', RECEIVER_MAX_BODY: '20000', RECEIVER_MAX_DECOMPRESSED: '20000' },
    wrapProducer: withAppend(() => new Promise((resolve) => waiting.push(resolve))),
  });
  const batchOf = (count: number) => `[${Array.from({ length: count }, (_, n) => event(n))}]`;
  const first = kero.post(batchOf(50));
  await untilTrue(() => waiting.length === 1);
  const { counts } = kero.receiver;
  assert.equal(counts.bytesInFlight, batchOf(50).length + 50 * 1024);
  problemOf(await kero.post(batchOf(1)), 503, 'overloaded');
  waiting[0]?.();
  assert.equal((await first).status, 202);
  const second = kero.post(batchOf(20));
  await untilTrue(() => waiting.length === 2);
  problemOf(await kero.post(batchOf(20)), 503, 'overloaded');
  const third = kero.post(batchOf(5));
  await untilTrue(() => waiting.length === 3);
  for (const confirm of waiting) confirm();
  assert.deepEqual([(await second).status, (await third).status], [202, 202]);
  await untilTrue(() => counts.bytesInFlight === 0);
});

test('each extension of a CloudEvent in a batch counts as in flight, too', async (t) => {
  const waiting: (() => void)[] = [];
  const wrapProducer = withAppend(() => new Promise((resolve) => waiting.push(resolve)));
  const kero = await startTestReceiver(t, { wrapProducer });
  const cloudEvent = (id: string, extensions: object) => ({
    specversion: '1.0',
    id,
    source: 'shop',
    type: 'visit',
    time: EVENT.event_timestamp,
    subject: 'user-1',
    data: {},
    ...extensions,
  });
  const body = JSON.stringify([cloudEvent('a', { one: 'x', two: 'y', three: 'z' }), cloudEvent('b', {})]);
  const answer = kero.post(body, { 'content-type': 'application/cloudevents-batch+json' });
  await untilTrue(() => waiting.length === 1);
  assert.equal(kero.receiver.counts.bytesInFlight, body.length + 2 * 1024 + 3 * 128);
  waiting[0]?.();
  assert.equal((await answer).status, 202);
});

describe('answers of batches that their client does not take', () => {
  /** The answer, of ten megabytes, is more than the operating system takes on the way of a connection that nobody reads from. */
  const REFUSED = '{"user_id":1}\n'.repeat(30_000);
  const type = { 'content-type': 'application/x-ndjson' };
  const settings = {
    RECEIVER_MAX_BATCH: '30000',
    RECEIVER_MAX_IN_FLIGHT: '40MiB',
    RECEIVER_ANSWER_TIMEOUT: '10m',
  };
  const notReading = async (t: TestContext, kero: ReceiverUnderTest) => {
    const client = await rawConnection(t, kero.port);
    client.socket.pause();
    client.send(postHead(`content-length: ${REFUSED.length}`).replace('json', 'x-ndjson') + REFUSED);
    return client;
  };

  for (const end of ['it takes them', 'it leaves'] as const) {
    test(`count as in flight until ${end}`, async (t) => {
      const kero = await startTestReceiver(t, { settings });
      const { counts } = kero.receiver;
      const client = await notReading(t, kero);
      await untilTrue(() => counts.inFlight === 0 && counts.bytesInFlight > 5_000_000);
      if (end === 'it leaves') client.socket.resetAndDestroy();
      else client.socket.resume();
      await untilTrue(() => counts.connectionsOpen < (end === 'it leaves' ? 1 : 2) && counts.bytesInFlight === 0);
      assert.equal(counts.connectionsStuck, 0);
    });
  }

  test('end with their connection where others need the room', async (t) => {
    const kero = await startTestReceiver(t, { settings });
    const { counts } = kero.receiver;
    for (let clients = 0; counts.rejected.overloaded === 0 && clients < 10; clients++) {
      const before = counts.rejected.invalid_event;
      await notReading(t, kero);
      await untilTrue(
        () => counts.rejected.invalid_event + counts.rejected.overloaded > before && counts.inFlight === 0,
      );
    }
    const giveUp = performance.now() + 60_000;
    let answer = await kero.post(REFUSED, type);
    while (answer.status === 503 && performance.now() < giveUp) answer = await kero.post(REFUSED, type);
    problemOf(answer, 422, 'batch_refused');
    assert.ok(counts.connectionsStuck >= 1);
  });
});

/** So long that it is read in several rounds of the event loop. */
const LONG = `[${Array.from({ length: 10_000 }, (_, n) => JSON.stringify({ ...EVENT, event_type: 'visit', user_id: `u${n}`, event_data: { a: n } })).join()}]`;
const longSettings = { RECEIVER_MAX_BODY: '10MiB' };

/** Keeps the event loop for so long: reading a batch takes its time then, however fast the machine is. */
function spin(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

describe('a long batch', () => {
  test('does not keep others waiting until it is done', async (t) => {
    const schemas: SchemaSource = {
      ...builtInSchemas,
      find: () => {
        spin(0.02);
        return 'unknown';
      },
    };
    const kero = await startTestReceiver(t, { settings: longSettings, schemas });
    const client = await rawConnection(t, kero.port);
    await kero.post(event('warm'));
    let isDone = false;
    const long = Promise.all([kero.post(LONG), kero.post(LONG)]).then((answers) => {
      isDone = true;
      return answers;
    });
    let between = 0;
    while (!isDone) {
      client.send('GET /health/live HTTP/1.1\r\nhost: t\r\n\r\n');
      const seen = client.received().length;
      await untilTrue(() => client.received().length > seen);
      if (!isDone && kero.receiver.counts.accepted === 1) between++;
    }
    assert.deepEqual(
      (await long).map(({ status }) => status),
      [202, 202],
    );
    assert.ok(between >= 10, `${between} answers to others before the batches were in the log`);
  });

  test('is read in pieces also where one item of it is as long as all of it may be', async (t) => {
    let isDone = false;
    const wrapProducer = withAppend(async (records, real) => {
      isDone = true;
      await real.append(records, { deadlineMs: 10_000 });
    });
    const kero = await startTestReceiver(t, { settings: longSettings, wrapProducer });
    const client = await rawConnection(t, kero.port);
    const body = `[${event(0)},[${'1,'.repeat(5_000_000)}1]]`;
    const long = kero.post(body);
    let between = 0;
    while (!isDone) {
      client.send('GET /health/live HTTP/1.1\r\nhost: t\r\n\r\n');
      const seen = client.received().length;
      await untilTrue(() => client.received().length > seen);
      // The first item is read, and the second is not.
      if (!isDone && kero.receiver.counts.bytesInFlight > body.length) between++;
    }
    assert.deepEqual(outcomes(await long), ['id', ['event_too_large', 413, false]]);
    assert.ok(between >= 1, `${between} answers to others while the item was read`);
  });

  test('whose client leaves while it is read leaves nothing in the log', async (t) => {
    const found: string[] = [];
    const kero = await startTestReceiver(t, {
      settings: longSettings,
      schemas: {
        ...builtInSchemas,
        find: (type) => {
          found.push(type);
          // After some thousand events, in the middle of the reading, which then takes long enough to hear of it.
          if (found.length === 3000) client.socket.resetAndDestroy();
          if (found.length > 3000) spin(1);
          return 'unknown';
        },
      },
    });
    const client = await rawConnection(t, kero.port);
    client.send(postHead(`content-length: ${Buffer.byteLength(LONG)}`) + LONG);
    await untilTrue(() => kero.receiver.counts.aborted === 1);
    assert.equal(kero.receiver.counts.inFlight, 0);
    await untilTrue(() => kero.receiver.counts.bytesInFlight === 0);
    assert.ok(found.length < 10_000, 'it was not read to its end');
    assert.deepEqual(await kero.records(), []);
  });

  test('that is still being read after a stop and its grace gets 503, and nothing of it is in the log', async (t) => {
    let release: (() => void) | undefined;
    const kero = await startTestReceiver(t, {
      schemas: {
        ...builtInSchemas,
        find: () => 'not_loaded',
        load: () => new Promise((resolve) => (release = resolve)),
      },
    });
    const answer = kero.post(`[${event(0)}]`);
    const slow = await rawConnection(t, kero.port);
    slow.send(postHead('content-length: 100', 'x-request-id: slow'));
    slow.send('[');
    await untilTrue(() => release !== undefined && kero.receiver.counts.bytesInFlight > event(0).length + 2);
    const stop = kero.receiver.stop();
    // At the end of the grace, who is still sending gets its answer.
    await slow.until(/^HTTP\/1\.1 503 /);
    release?.();
    problemOf(await answer, 503, 'stopping');
    await stop;
    assert.deepEqual(await kero.records(), []);
  });
});
