import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KeroClientError } from './errors.ts';
import type { RetryInfo } from './options.ts';
import {
  accepted,
  advance,
  broken,
  clientUnderTest,
  event,
  idOf,
  problem,
  scriptedFetch,
  silent,
  verdicts,
  watch,
} from './receiver-test-support.ts';

async function failureOf(promise: Promise<unknown>): Promise<KeroClientError> {
  const error = await promise.then(
    () => assert.fail('it did not fail'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof KeroClientError, String(error));
  return error;
}

describe('unknown outcomes', () => {
  for (const [name, answer] of Object.entries({
    'a 503': problem(503, 'log_unavailable'),
    'a 500': problem(500, 'internal_error'),
    'a 502 of a proxy': () => new Response('<html>Bad Gateway</html>', { status: 502 }),
    'a broken connection': broken,
    'a 200 that is not an answer of Kero': () => new Response('<html>Welcome to our hotel</html>'),
    'an answer that is cut off': () => new Response('{"status":"accepted","ids":["', { status: 202 }),
    'an answer for another number of events': () =>
      Response.json({ status: 'accepted', ids: ['x', 'y'] }, { status: 202 }),
  })) {
    test(`after ${name} the same bytes are sent again, and the time is not stamped anew`, async (t) => {
      const { fetch, requests } = scriptedFetch(answer, answer);
      const client = clientUnderTest(t, { fetch });
      const sent = watch(client.send({ user_id: 'u', event_type: 'view', event_data: {} }));
      await advance(t, 5);
      assert.equal(requests.length, 1);
      await advance(t, 199);
      assert.equal(requests.length, 1, 'it pauses');
      await advance(t, 1);
      assert.equal(requests.length, 2);
      await advance(t, 400, 10);
      assert.equal(requests.length, 3, 'the pause doubles');
      assert.equal(sent.state, 'ok');
      assert.equal(new Set(requests.map(({ lines }) => lines.join('\n'))).size, 1);
    });
  }

  test('a request without an answer ends at its time limit and is sent again', async (t) => {
    const { fetch, requests } = scriptedFetch(silent);
    const client = clientUnderTest(t, { fetch, requestTimeoutMs: 1000 });
    const sent = watch(client.send(event('a')));
    await advance(t, 1004, 1);
    assert.equal(requests.length, 1);
    await advance(t, 201, 1);
    assert.equal(requests.length, 2);
    assert.equal(sent.state, 'ok');
  });

  test('a body of an answer that never ends counts as no answer', async (t) => {
    const endless = () => new Response(new ReadableStream({ pull: () => new Promise(() => {}) }), { status: 202 });
    const { fetch } = scriptedFetch(endless);
    const client = clientUnderTest(t, { fetch, requestTimeoutMs: 1000 });
    const sent = watch(client.send(event('a')));
    await advance(t, 1300, 10);
    assert.equal(sent.state, 'ok');
  });

  test('a token function that fails or hangs is asked again, and nothing is sent without it', async (t) => {
    const { fetch, requests } = scriptedFetch();
    let asked = 0;
    const token = () => {
      asked++;
      if (asked === 1) throw new Error('no token server');
      return asked === 2 ? new Promise<string>(() => {}) : 'token';
    };
    const client = clientUnderTest(t, { fetch, token, requestTimeoutMs: 1000 });
    const sent = watch(client.send(event('a')));
    await advance(t, 2000, 10);
    assert.equal(sent.state, 'ok');
    assert.deepEqual(
      requests.map(({ headers }) => headers.get('authorization')),
      ['Bearer token'],
    );
  });

  test('Retry-After is waited for in full, in seconds or as a date', async (t) => {
    const date = new Date(Date.parse('2026-11-23T10:00:10Z')).toUTCString();
    const { fetch, requests } = scriptedFetch(
      problem(503, 'log_unavailable', { 'retry-after': '3' }),
      problem(429, 'rate_limited', { 'retry-after': date }),
    );
    const client = clientUnderTest(t, { fetch }, () => 0);
    const sent = watch(client.send(event('a')));
    await advance(t, 5);
    await advance(t, 2999, 100);
    assert.equal(requests.length, 1);
    await advance(t, 201, 1);
    assert.equal(requests.length, 2);
    await advance(t, 6000, 100);
    assert.equal(requests.length, 2, 'not before the date');
    await advance(t, 2000, 10);
    assert.equal(sent.state, 'ok');
  });

  test('an event is given up at its deadline, with everything that is needed to send it again', async (t) => {
    const { fetch, requests } = scriptedFetch(...Array.from({ length: 1000 }, () => problem(503, 'log_unavailable')));
    const client = clientUnderTest(t, { fetch, deadlineMs: 5000 });
    const sent = client.send({ user_id: 'u', event_type: 'view', event_data: { page: '/' } });
    const failure = failureOf(sent);
    await advance(t, 5000, 10);
    const error = await failure;
    assert.equal(error.code, 'unknown_outcome');
    assert.equal(error.retryable, true);
    assert.equal(error.problem?.code, 'log_unavailable');
    assert.equal(error.eventJson, requests[0]?.lines[0]);
    assert.deepEqual(JSON.parse(JSON.stringify(error.event)), requests[0]?.events[0]);
    const count = requests.length;
    await advance(t, 60_000, 1000);
    assert.equal(requests.length, count, 'it is not sent after its deadline');
  });

  test('the deadline also passes while a request is on its way; what is answered later is ignored', async (t) => {
    let answer: (response: Response) => void = () => {};
    const { fetch } = scriptedFetch(
      () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    );
    const client = clientUnderTest(t, { fetch, deadlineMs: 1000, maxBuffered: { events: 1 } });
    const failure = failureOf(client.send(event('a')));
    await advance(t, 1000, 100);
    assert.equal((await failure).code, 'unknown_outcome');
    answer(Response.json({ status: 'accepted', ids: ['x'] }, { status: 202 }));
    await advance(t, 1);
    const next = client.send(event('b'));
    await assert.rejects(client.send(event('c')), { code: 'buffer_full' }, 'it left the buffer once');
    await advance(t, 5);
    await next;
  });

  test('what was only told to come later is not stored, and the error says so', async (t) => {
    const { fetch } = scriptedFetch(...Array.from({ length: 1000 }, () => problem(429, 'rate_limited')));
    const client = clientUnderTest(t, { fetch, deadlineMs: 1000 });
    const failure = failureOf(client.send(event('a')));
    await advance(t, 1000, 10);
    const error = await failure;
    assert.equal(error.code, 'not_sent');
    assert.equal(error.retryable, true);
    assert.equal(error.problem?.status, 429);
  });

  test('one unknown attempt keeps the outcome unknown, whatever follows', async (t) => {
    const { fetch } = scriptedFetch(broken, ...Array.from({ length: 1000 }, () => problem(429, 'rate_limited')));
    const client = clientUnderTest(t, { fetch, deadlineMs: 1000 });
    const failure = failureOf(client.send(event('a')));
    await advance(t, 1000, 10);
    assert.equal((await failure).code, 'unknown_outcome');
  });

  test('later events do not overtake those that are sent again', async (t) => {
    let answer: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const { fetch, requests } = scriptedFetch(async (request, index) => {
      await held;
      return problem(503, 'stopping')(request, index);
    });
    const client = clientUnderTest(t, { fetch, batch: { maxEvents: 2 } });
    const sent = client.sendBatch([event('a'), event('b')]);
    await advance(t, 5);
    const later = client.send(event('c'));
    answer();
    await advance(t, 300, 10);
    await Promise.all([sent, later]);
    assert.deepEqual(
      requests.map(({ events }) => events.map(({ event_id }) => event_id)),
      [['a', 'b'], ['a', 'b'], ['c']],
    );
  });

  test('pauses begin small again after everything went well', async (t) => {
    const down = problem(503, 'stopping');
    const { fetch } = scriptedFetch(down, down, accepted, down, accepted);
    const delays: number[] = [];
    const client = clientUnderTest(t, { fetch, onRetry: ({ delayMs }) => void delays.push(delayMs) });
    // The second waits while the first is tried again, so that the lane is never idle in between.
    const sent = client.sendBatch([event('a'), event('b', { event_data: { text: 'x'.repeat(1_000_000) } })]);
    await advance(t, 2000, 10);
    assert.ok((await sent).every(({ ok }) => ok));
    assert.deepEqual(delays, [200, 400, 200]);
  });

  test('without a token nothing is sent, and the error says that it is not stored', async (t) => {
    const { fetch, requests } = scriptedFetch();
    const token = () => Promise.reject(new Error('no token server'));
    const client = clientUnderTest(t, { fetch, token, deadlineMs: 1000 });
    const failure = failureOf(client.send(event('a')));
    await advance(t, 1000, 10);
    const error = await failure;
    assert.equal(error.code, 'not_sent');
    assert.match(String(error.cause), /no token server/);
    assert.equal(requests.length, 0);
  });

  test('onRetry is told before every pause, and what it throws ends nothing', async (t) => {
    const { fetch } = scriptedFetch(problem(503, 'stopping'), broken);
    const retries: RetryInfo[] = [];
    const client = clientUnderTest(t, { fetch, onRetry: (retry) => void retries.push(retry) });
    const sent = watch(client.send(event('a')));
    await advance(t, 1000, 10);
    assert.equal(sent.state, 'ok');
    assert.deepEqual(retries, [
      { events: 1, failures: 1, delayMs: 200, status: 503, reason: 'because of stopping' },
      { events: 1, failures: 2, delayMs: 400, status: undefined, reason: 'fetch failed' },
    ]);
  });
});

describe('a no', () => {
  for (const [status, code] of [
    [400, 'invalid_json'],
    [401, 'unauthenticated'],
    [403, 'forbidden'],
    [404, 'not_found'],
    [422, 'invalid_event'],
  ] as const) {
    test(`${status} is never sent again`, async (t) => {
      const { fetch, requests } = scriptedFetch(problem(status, code));
      const client = clientUnderTest(t, { fetch });
      const failure = failureOf(client.send(event('a')));
      await advance(t, 60_000, 1000);
      const error = await failure;
      assert.equal(error.code, 'refused');
      assert.equal(error.retryable, false);
      assert.deepEqual(error.problem, {
        status,
        code,
        title: code,
        detail: `because of ${code}`,
        errors: [],
        requestId: 'r-1',
      });
      assert.equal(requests.length, 1);
    });
  }

  test('a no stays a no when its text is cut off', async (t) => {
    const cut = () =>
      new Response(new ReadableStream({ start: (stream) => stream.error(new Error('reset')) }), { status: 422 });
    const { fetch, requests } = scriptedFetch(cut);
    const client = clientUnderTest(t, { fetch });
    const failure = failureOf(client.send(event('a')));
    await advance(t, 1000, 10);
    assert.equal((await failure).code, 'refused');
    assert.equal(requests.length, 1);
  });

  test('a redirect is not followed: the error says that the URL is wrong', async (t) => {
    const moved = () => new Response('moved', { status: 301, headers: { location: 'https://elsewhere.test/' } });
    const { fetch, requests } = scriptedFetch(moved);
    const client = clientUnderTest(t, { fetch });
    const failure = failureOf(client.send(event('a')));
    await advance(t, 5);
    assert.match((await failure).message, /redirect/);
    assert.equal(requests.length, 1);
  });
});

describe('batches with different outcomes', () => {
  test('207: accepted ones resolve, refused ones reject, and only those that may pass are sent again', async (t) => {
    const decide = (given: Readonly<Record<string, unknown>>) =>
      (({ a: 'accepted', b: 'refused', c: 'again', d: 'accepted', e: 'again' }) as const)[String(given.event_id)] ??
      'again';
    const { fetch, requests } = scriptedFetch(
      verdicts(decide),
      verdicts((given) => (given.event_id === 'c' ? 'accepted' : 'again')),
    );
    const client = clientUnderTest(t, { fetch });
    const sent = client.sendBatch(['a', 'b', 'c', 'd', 'e'].map((id) => event(id)));
    await advance(t, 2000, 10);
    assert.deepEqual(
      (await sent).map((result) => (result.ok ? result.id : result.error.code)),
      [idOf(event('a')), 'refused', idOf(event('c')), idOf(event('d')), idOf(event('e'))],
    );
    assert.deepEqual(
      requests.map(({ events }) => events.map(({ event_id }) => event_id)),
      [['a', 'b', 'c', 'd', 'e'], ['c', 'e'], ['e']],
    );
  });

  test('503 with results: what was refused for good is not sent again', async (t) => {
    const { fetch, requests } = scriptedFetch(verdicts(({ event_id }) => (event_id === 'a' ? 'refused' : 'again')));
    const client = clientUnderTest(t, { fetch });
    const sent = client.sendBatch([event('a'), event('b')]);
    await advance(t, 1000, 10);
    assert.deepEqual(
      (await sent).map(({ ok }) => ok),
      [false, true],
    );
    assert.deepEqual(
      requests.map(({ events }) => events.map(({ event_id }) => event_id)),
      [['a', 'b'], ['b']],
    );
  });

  test('whether an item is sent again is what its problem says, whatever its status', async (t) => {
    const rejected = (index: number, status: number, retryable?: boolean) => ({
      index,
      status: 'rejected',
      problem: { status, detail: `${status}`, ...(retryable !== undefined && { retryable }) },
    });
    const results = [rejected(0, 500, false), rejected(1, 409, true), rejected(2, 503), rejected(3, 422)];
    const { fetch, requests } = scriptedFetch(() => Response.json({ results }, { status: 503 }));
    const client = clientUnderTest(t, { fetch });
    const sent = client.sendBatch(['a', 'b', 'c', 'd'].map((id) => event(id)));
    await advance(t, 1000, 10);
    assert.deepEqual(
      (await sent).map((result) => (result.ok ? 'ok' : result.error.code)),
      ['refused', 'ok', 'ok', 'refused'],
    );
    assert.deepEqual(
      requests[1]?.events.map(({ event_id }) => event_id),
      ['b', 'c'],
    );
  });

  test('an event that the answer leaves out, or names twice, is sent again', async (t) => {
    const { fetch, requests } = scriptedFetch(() =>
      Response.json(
        {
          status: 'partial',
          results: [
            { index: 0, status: 'accepted', id: 'x' },
            { index: 1, status: 'accepted', id: 'y' },
            { index: 1, status: 'rejected', problem: { status: 422 } },
            { index: 7, status: 'accepted', id: 'z' },
          ],
        },
        { status: 207 },
      ),
    );
    const client = clientUnderTest(t, { fetch });
    const sent = client.sendBatch(['a', 'b', 'c'].map((id) => event(id)));
    await advance(t, 1000, 10);
    assert.ok((await sent).every(({ ok }) => ok));
    assert.deepEqual(
      requests[1]?.events.map(({ event_id }) => event_id),
      ['b', 'c'],
    );
  });

  test('413 is answered with halves, in order, down to the event that is too large by itself', async (t) => {
    const large = 'x'.repeat(100);
    const limit = (request: { lines: readonly string[]; events: readonly Readonly<Record<string, unknown>>[] }) =>
      request.events.length > 2 || request.lines.some((line) => line.includes(large))
        ? problem(413, 'body_too_large')(request as never, 0)
        : Response.json({ status: 'accepted', ids: request.events.map(idOf) }, { status: 202 });
    const { fetch, requests } = scriptedFetch(...Array.from({ length: 50 }, () => limit));
    const client = clientUnderTest(t, { fetch });
    const events = Array.from({ length: 9 }, (_, index) =>
      event(`${index}`, index === 4 ? { event_data: { large } } : {}),
    );
    const sent = client.sendBatch(events);
    await advance(t, 1000, 10);
    assert.deepEqual(
      (await sent).map((result) => (result.ok ? 'ok' : result.error.problem?.code)),
      ['ok', 'ok', 'ok', 'ok', 'body_too_large', 'ok', 'ok', 'ok', 'ok'],
    );
    const order = requests
      .filter(({ events }) => events.length <= 2)
      .flatMap(({ events }) => events.map((e) => Number(e.event_id)));
    assert.deepEqual(
      [...new Set(order)],
      order.toSorted((a, b) => a - b).filter((value, index, all) => all.indexOf(value) === index),
    );
  });

  test('what the first half leaves to be sent again is not overtaken by the second half', async (t) => {
    const { fetch, requests } = scriptedFetch(problem(413, 'body_too_large'), problem(503, 'stopping'));
    const client = clientUnderTest(t, { fetch });
    const sent = client.sendBatch(['a', 'b', 'c', 'd'].map((id) => event(id)));
    await advance(t, 1000, 10);
    assert.ok((await sent).every(({ ok }) => ok));
    assert.deepEqual(
      requests.map(({ events }) => events.map(({ event_id }) => event_id).join('')),
      ['abcd', 'ab', 'abcd'],
    );
  });
});
