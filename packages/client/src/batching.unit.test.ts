import assert from 'node:assert/strict';
import process from 'node:process';
import { describe, test } from 'node:test';
import { KeroClientError } from './errors.ts';
import {
  type AnswerTo,
  accepted,
  advance,
  clientUnderTest,
  event,
  idOf,
  problem,
  scriptedFetch,
  settle,
  silent,
  watch,
} from './receiver-test-support.ts';

const eventIds = (requests: readonly { events: readonly Readonly<Record<string, unknown>>[] }[]) =>
  requests.map(({ events }) => events.map(({ event_id }) => event_id));

describe('batches', () => {
  test('events that are sent within the linger are one request, and each gets its own id', async (t) => {
    const { fetch, requests } = scriptedFetch();
    const client = clientUnderTest(t, { fetch });
    const first = client.send(event('a'));
    await advance(t, 4);
    const second = client.send(event('b'));
    assert.equal(requests.length, 0, 'nothing is sent before the linger is over');
    await advance(t, 1);
    assert.deepEqual(await first, { id: idOf(event('a')), event_id: 'a' });
    assert.deepEqual(await second, { id: idOf(event('b')), event_id: 'b' });
    assert.deepEqual(eventIds(requests), [['a', 'b']]);
  });

  test('a full batch is sent without waiting for the linger', async (t) => {
    const { fetch, requests } = scriptedFetch();
    const client = clientUnderTest(t, { fetch, batch: { maxEvents: 2, lingerMs: 1000 } });
    const sent = ['a', 'b', 'c'].map((id) => client.send(event(id)));
    await settle();
    assert.deepEqual(eventIds(requests), [['a', 'b'], ['c']]);
    await Promise.all(sent);
  });

  test('a batch ends before it has more bytes than allowed; an event that is larger goes alone', async (t) => {
    const { fetch, requests } = scriptedFetch();
    const client = clientUnderTest(t, { fetch, batch: { maxBytes: 600 } });
    const large = { event_data: { text: 'x'.repeat(1000) } };
    const sent = client.sendBatch([event('a'), event('b'), event('c'), event('d', large), event('e')]);
    await advance(t, 5);
    await sent;
    assert.deepEqual(eventIds(requests), [['a', 'b', 'c'], ['d'], ['e']]);
    for (const { lines } of requests.filter(({ lines }) => lines.length > 1)) {
      assert.ok(lines.join('\n').length < 600);
    }
  });

  test('what is sent while a request is on its way goes into the next one, without a linger', async (t) => {
    let answer: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const { fetch, requests } = scriptedFetch(async ({ events }) => {
      await held;
      return Response.json({ status: 'accepted', ids: events.map(idOf) }, { status: 202 });
    });
    const client = clientUnderTest(t, { fetch });
    const first = client.send(event('a'));
    await advance(t, 5);
    const others = ['b', 'c'].map((id) => client.send(event(id)));
    await advance(t, 100);
    assert.deepEqual(eventIds(requests), [['a']], 'one request at a time');
    answer();
    await Promise.all([first, ...others]);
    assert.deepEqual(eventIds(requests), [['a'], ['b', 'c']]);
  });

  test('a linger of 0 still gathers what is sent in one go', async (t) => {
    const { fetch, requests } = scriptedFetch();
    const client = clientUnderTest(t, { fetch, batch: { lingerMs: 0 } });
    await Promise.all([client.send(event('a')), client.send(event('b'))]);
    assert.deepEqual(eventIds(requests), [['a', 'b']]);
  });

  test('with concurrency the events of one user stay on one way, in order, and others need not wait for them', async (t) => {
    const { fetch, requests, mostInFlight } = scriptedFetch();
    const client = clientUnderTest(t, { fetch, concurrency: 4, batch: { maxEvents: 3 } });
    const events = Array.from({ length: 200 }, (_, index) => event(`${index}`, { user_id: `user-${index % 10}` }));
    const sent = client.sendBatch(events);
    await advance(t, 5);
    assert.ok((await sent).every(({ ok }) => ok));
    assert.ok(mostInFlight() > 1 && mostInFlight() <= 4, `${mostInFlight()} at the same time`);
    const arrived = new Map<unknown, number[]>();
    for (const { user_id, event_id } of requests.flatMap(({ events }) => events)) {
      arrived.set(user_id, [...(arrived.get(user_id) ?? []), Number(event_id)]);
    }
    for (const order of arrived.values())
      assert.deepEqual(
        order,
        order.toSorted((a, b) => a - b),
      );
  });
});

describe('what is sent', () => {
  test('a post of NDJSON with the key, to the path of the API below the given URL', async (t) => {
    const { fetch, requests } = scriptedFetch();
    const client = clientUnderTest(t, {
      fetch,
      url: 'https://example.test/kero/',
      apiKey: 'kero_secret',
      source: 'shop',
    });
    const sent = client.send({ user_id: 'ü', event_type: 'view', event_data: {}, event_timestamp: new Date(0) });
    await advance(t, 5);
    const { event_id } = await sent;
    assert.equal(requests[0]?.url, 'https://example.test/kero/api/v1/events');
    assert.equal(requests[0]?.headers.get('content-type'), 'application/x-ndjson');
    assert.equal(requests[0]?.redirect, 'manual', 'a followed redirect would turn the post into a get');
    assert.equal(requests[0]?.headers.get('authorization'), 'Bearer kero_secret');
    assert.match(event_id, /^[0-9a-f]{8}-[0-9a-f]{4}-4/);
    assert.deepEqual(requests[0]?.events, [
      {
        user_id: 'ü',
        event_type: 'view',
        event_data: {},
        event_timestamp: '1970-01-01T00:00:00.000Z',
        event_id,
        source: 'shop',
      },
    ]);
  });

  test('the source of an event wins over that of the client', async (t) => {
    const { fetch, requests } = scriptedFetch();
    const client = clientUnderTest(t, { fetch, source: 'shop' });
    const sent = client.sendBatch([event('a', { source: 'till' }), event('b')]);
    await advance(t, 5);
    await sent;
    assert.deepEqual(
      requests[0]?.events.map(({ source }) => source),
      ['till', 'shop'],
    );
  });

  test('a token function is asked before every request', async (t) => {
    const { fetch, requests } = scriptedFetch();
    let asked = 0;
    const client = clientUnderTest(t, { fetch, token: async () => `token-${++asked}` });
    for (const id of ['a', 'b']) {
      const sent = client.send(event(id));
      await advance(t, 5);
      await sent;
    }
    assert.deepEqual(
      requests.map(({ headers }) => headers.get('authorization')),
      ['Bearer token-1', 'Bearer token-2'],
    );
  });

  test('the time is that of the call, and the content is that of the call', async (t) => {
    const { fetch, requests } = scriptedFetch();
    const client = clientUnderTest(t, { fetch, batch: { lingerMs: 1000 } });
    const data = { count: 1 };
    const sent = client.send(event('a', { event_data: data }));
    data.count = 2;
    await advance(t, 1000);
    await sent;
    assert.equal(requests[0]?.events[0]?.event_timestamp, '2026-11-23T10:00:00.000Z');
    assert.deepEqual(requests[0]?.events[0]?.event_data, { count: 1 });
  });

  test('gzip is used for bodies that are worth it', async () => {
    const { fetch, requests } = scriptedFetch();
    const { createClient } = await import('./index.ts');
    const client = createClient({ url: 'http://receiver.test', fetch });
    await client.send(event('small'));
    await client.send(event('large', { event_data: { text: 'x'.repeat(5000) } }));
    assert.deepEqual(
      requests.map(({ headers }) => headers.get('content-encoding')),
      [null, 'gzip'],
    );
    assert.deepEqual(requests[1]?.events[0]?.event_data, { text: 'x'.repeat(5000) });
  });

  test('an event that JSON cannot say is refused alone, and nothing of it is sent', async (t) => {
    const { fetch, requests } = scriptedFetch();
    const client = clientUnderTest(t, { fetch });
    const wrong = event('wrong', { event_data: { price: Number.NaN } });
    await assert.rejects(client.send(wrong), (error) => {
      assert.ok(error instanceof KeroClientError);
      assert.equal(error.code, 'invalid_event');
      assert.equal(error.retryable, false);
      assert.match(error.message, /^\/event_data\/price is NaN/);
      return true;
    });
    const sent = client.sendBatch([event('a'), wrong, event('b')]);
    await advance(t, 5);
    assert.deepEqual(
      (await sent).map((result) => (result.ok ? result.event_id : result.error.code)),
      ['a', 'invalid_event', 'b'],
    );
    assert.deepEqual(eventIds(requests), [['a', 'b']]);
  });
});

describe('room', () => {
  test('send() rejects at once when the buffer is full, and ready() tells when half of it is free', async (t) => {
    const { fetch } = scriptedFetch(silent);
    const client = clientUnderTest(t, { fetch, maxBuffered: { events: 4 }, deadlineMs: 1000, requestTimeoutMs: 500 });
    const sent = ['a', 'b', 'c', 'd'].map((id) => watch(client.send(event(id))));
    await assert.rejects(client.send(event('e')), (error) => {
      assert.ok(error instanceof KeroClientError);
      assert.equal(error.code, 'buffer_full');
      assert.equal(error.retryable, true);
      assert.equal((error.event as { event_id: string }).event_id, 'e');
      return true;
    });
    const ready = watch(client.ready());
    await advance(t, 500, 5);
    assert.equal(ready.state, 'open');
    await advance(t, 400, 5);
    assert.deepEqual(
      sent.map(({ state }) => state),
      ['ok', 'ok', 'ok', 'ok'],
    );
    assert.equal(ready.state, 'ok');
    const last = client.send(event('f'));
    await advance(t, 5);
    await last;
  });

  test('ready() waits until half of the buffer is free, not for one place', async (t) => {
    let answers: (() => void)[] = [];
    const held: AnswerTo = async (request, index) => {
      await new Promise<void>((resolve) => answers.push(resolve));
      return accepted(request, index);
    };
    const { fetch } = scriptedFetch(held, held, held, held);
    const client = clientUnderTest(t, { fetch, maxBuffered: { events: 4 }, batch: { maxEvents: 1 } });
    const sent = ['a', 'b', 'c', 'd'].map((id) => client.send(event(id)));
    const ready = watch(client.ready());
    const states: string[] = [];
    for (const one of sent) {
      await settle();
      for (const answer of answers) answer();
      answers = [];
      await one;
      await settle();
      states.push(ready.state);
    }
    assert.deepEqual(states, ['open', 'ok', 'ok', 'ok']);
  });

  test('the bytes count too', async (t) => {
    const { fetch } = scriptedFetch(silent);
    const client = clientUnderTest(t, { fetch, maxBuffered: { bytes: 1000 } });
    void client.sendBatch([event('a', { event_data: { text: 'x'.repeat(1000) } })]);
    await settle();
    await assert.rejects(client.send(event('b')), { code: 'buffer_full' });
  });

  test('sendBatch() takes more than the buffer holds, in order, and never more at a time', async (t) => {
    const { fetch, requests } = scriptedFetch();
    const client = clientUnderTest(t, { fetch, maxBuffered: { events: 10 }, batch: { maxEvents: 500 } });
    const events = Array.from({ length: 95 }, (_, index) => event(`${index}`));
    const sent = watch(client.sendBatch(events));
    await advance(t, 200, 5);
    assert.equal(sent.state, 'ok');
    assert.deepEqual(
      sent.value?.map((result) => result.ok && result.event_id),
      events.map(({ event_id }) => event_id),
    );
    assert.ok(requests.every(({ events }) => events.length <= 10));
    assert.deepEqual(
      eventIds(requests).flat(),
      events.map(({ event_id }) => event_id),
    );
  });
});

describe('flush and close', () => {
  test('flush() does not wait for the linger, and resolves when everything has its outcome', async (t) => {
    const { fetch, requests } = scriptedFetch();
    const client = clientUnderTest(t, { fetch, batch: { lingerMs: 60_000 } });
    const sent = watch(client.send(event('a')));
    await client.flush();
    assert.equal(sent.state, 'ok');
    assert.equal(requests.length, 1);
    await client.flush();
  });

  test('close() flushes, also a sendBatch() that waits for room, and refuses what comes after it', async (t) => {
    const { fetch, requests } = scriptedFetch();
    const client = clientUnderTest(t, { fetch, batch: { lingerMs: 60_000 }, maxBuffered: { events: 5 } });
    const batch = watch(client.sendBatch(Array.from({ length: 50 }, (_, index) => event(`${index}`))));
    const closed = client.close();
    await assert.rejects(client.send(event('late')), { code: 'closed' });
    assert.deepEqual(
      (await client.sendBatch([event('late')])).map((result) => !result.ok && result.error.code),
      ['closed'],
    );
    await closed;
    await settle();
    assert.equal(batch.value?.filter(({ ok }) => ok).length, 50);
    assert.equal(requests.flatMap(({ events }) => events).length, 50);
    await client.close();
  });

  test('close() with a time limit ends requests and pauses; what was on its way is unknown, the rest is not sent', async (t) => {
    const { fetch, requests } = scriptedFetch(silent);
    const client = clientUnderTest(t, { fetch, batch: { maxEvents: 1 }, maxBuffered: { events: 2 } });
    const batch = watch(client.sendBatch([event('a'), event('b'), event('c')]));
    await advance(t, 10);
    const closed = watch(client.close({ timeoutMs: 1000 }));
    await advance(t, 999);
    assert.equal(closed.state, 'open');
    await advance(t, 1);
    assert.equal(closed.state, 'ok');
    assert.deepEqual(
      batch.value?.map((result) => !result.ok && result.error.code),
      ['unknown_outcome', 'not_sent', 'not_sent'],
    );
    await advance(t, 60_000, 1000);
    assert.equal(requests.length, 1);
  });

  test('after it, and after a send, no timer keeps the process alive', async (t) => {
    const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
    const before = timers();
    const { fetch } = scriptedFetch(accepted, problem(503, 'log_unavailable', { 'retry-after': '3600' }));
    let paused: () => void = () => {};
    const pause = new Promise<void>((resolve) => {
      paused = resolve;
    });
    const { createClient } = await import('./index.ts');
    const client = createClient({ url: 'http://receiver.test', fetch, onRetry: paused });
    t.after(() => client.close({ timeoutMs: 1 }));
    await client.send(event('a'));
    assert.equal(timers(), before);
    const failure = assert.rejects(client.send(event('b')), { code: 'unknown_outcome' });
    await pause;
    assert.ok(timers() > before);
    await client.close({ timeoutMs: 1 });
    await failure;
    await settle();
    assert.equal(timers(), before);
  });

  test('`await using` closes', async (t) => {
    const { fetch, requests } = scriptedFetch();
    let sent: ReturnType<typeof watch> | undefined;
    {
      await using client = clientUnderTest(t, { fetch, batch: { lingerMs: 60_000 } });
      sent = watch(client.send(event('a')));
    }
    assert.equal(sent.state, 'ok');
    assert.equal(requests.length, 1);
  });
});
