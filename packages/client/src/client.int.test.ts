import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { EVENT, startTestReceiver, type TestOptions } from '../../../apps/receiver/src/receiver-under-test.ts';
import { AppendError, messagingError, type Producer } from '../../messaging/src/index.ts';
import { createClient, type KeroEvent, rawJson } from './index.ts';
import type { ClientOptions, RetryInfo } from './options.ts';

/** The client, with short pauses, in front of a real receiver with a real log. */
async function clientAndReceiver(
  t: TestContext,
  options: TestOptions = {},
  clientOptions: Partial<ClientOptions> = {},
) {
  const kero = await startTestReceiver(t, options);
  const retries: RetryInfo[] = [];
  const client = createClient({
    url: kero.url,
    retry: { firstDelayMs: 5, maxDelayMs: 50 },
    onRetry: (retry) => void retries.push(retry),
    ...clientOptions,
  });
  t.after(() => client.close());
  /** Stops the receiver, and gives how often each event_id is in the log. */
  const logged = async () => {
    const times = new Map<string, number>();
    for (const { value } of await kero.records()) {
      const { event_id } = JSON.parse(String(value)) as { event_id: string };
      times.set(event_id, (times.get(event_id) ?? 0) + 1);
    }
    return times;
  };
  return { kero, client, retries, logged };
}

function events(count: number, members: Readonly<Record<string, unknown>> = {}): KeroEvent[] {
  return Array.from({ length: count }, (_, index) => ({
    ...EVENT,
    event_id: `event-${index}`,
    user_id: `user-${index % 7}`,
    ...members,
  }));
}

/** The real producer, but `fail` may name records that it does not get. */
function failing(fail: (eventIds: readonly string[]) => readonly number[]) {
  return (producer: Producer): Producer => ({
    health: () => producer.health(),
    close: () => producer.close(),
    append: async (records, options) => {
      const ids = records.map(({ value }) => JSON.parse(String(value)).event_id as string);
      const failed = new Set(fail(ids));
      const kept = records.filter((_, index) => !failed.has(index));
      if (kept.length > 0) await producer.append(kept, options);
      if (failed.size === 0) return;
      throw new AppendError(new Map([...failed].map((index) => [index, messagingError('log_unavailable', 'a test')])));
    },
  });
}

describe('against the real receiver', { timeout: 240_000 }, () => {
  test('every digit, every character and the same id arrive', async (t) => {
    const { kero, client } = await clientAndReceiver(t);
    const data = {
      price: rawJson('19.90'),
      account: 9007199254740993n,
      text: 'ü 😀 \n "quoted"',
      nested: [{ a: null }],
    };
    const { id, event_id } = await client.send({ ...EVENT, user_id: 'Zoë', event_type: 'any', event_data: data });
    const [record] = await kero.records();
    const text = String(record?.value);
    assert.match(text, /"price":19\.90,"account":9007199254740993,/);
    const stored = JSON.parse(text);
    assert.equal(stored.event_data.text, data.text);
    assert.equal(stored.event_id, event_id);
    assert.equal(String(record?.key), 'Zoë');
    assert.deepEqual(
      record?.headers.filter(([name]) => name === 'kero-id').map(([, value]) => String(value)),
      [id],
    );
  });

  test('bad events do not hurt their neighbours, in one compressed batch; each gets its own reasons', async (t) => {
    const { client, logged, retries } = await clientAndReceiver(t);
    const sent = events(300).map((event, index) =>
      index % 10 === 3 ? { ...event, event_data: { item_id: 42 } } : event,
    );
    const results = await client.sendBatch(sent);
    for (const [index, result] of results.entries()) {
      if (index % 10 !== 3) {
        assert.ok(result.ok, `${index}`);
        assert.equal(result.event_id, `event-${index}`);
        continue;
      }
      assert.ok(!result.ok);
      assert.equal(result.error.code, 'refused');
      assert.equal(result.error.problem?.status, 422);
      assert.equal(result.error.problem?.code, 'invalid_event');
      const pointers = result.error.problem?.errors.map(({ pointer }) => pointer);
      assert.deepEqual(pointers?.toSorted(), ['/event_data/item_id', '/event_data/price']);
    }
    assert.equal(new Set(results.map((result) => result.ok && result.id)).size, 271);
    const times = await logged();
    assert.equal(times.size, 270);
    assert.deepEqual([...new Set(times.values())], [1]);
    assert.equal(retries.length, 0);
  });

  test('what only part of the log takes is sent again, and only that', async (t) => {
    const tries = new Map<string, number>();
    const wrapProducer = failing((ids) =>
      ids.flatMap((id, index) => {
        const number = (tries.get(id) ?? 0) + 1;
        tries.set(id, number);
        return Number(id.split('-')[1]) % 4 >= number ? [index] : [];
      }),
    );
    const { client, logged, retries } = await clientAndReceiver(t, { wrapProducer }, { deadlineMs: 200_000 });
    const results = await client.sendBatch(events(40));
    assert.ok(results.every(({ ok }) => ok));
    assert.deepEqual(
      retries.map((retry) => [retry.status, retry.events]),
      [
        [207, 30],
        [207, 20],
        [207, 10],
      ],
    );
    const times = await logged();
    assert.equal(times.size, 40);
    assert.deepEqual([...new Set(times.values())], [1]);
  });

  test('a receiver with smaller limits gets smaller requests; what is too large by itself is refused', async (t) => {
    const settings = { RECEIVER_MAX_BATCH: '16', EVENTS_MAX_BYTES: '2KiB' };
    const { client, logged } = await clientAndReceiver(t, { settings });
    const large = { event_data: { item_id: 'x'.repeat(3000), price: 1 } };
    const sent = [...events(100), ...events(1, { event_id: 'large', ...large })];
    const results = await client.sendBatch(sent);
    assert.deepEqual(
      results.flatMap((result) => (result.ok ? [] : [result.error.problem?.code])),
      ['event_too_large'],
    );
    const times = await logged();
    assert.equal(times.size, 100);
    assert.deepEqual([...new Set(times.values())], [1]);
  });

  test('a receiver that takes only small bodies gets them', async (t) => {
    const { client, logged } = await clientAndReceiver(t, { settings: { RECEIVER_MAX_BODY: '4KiB' } }, { gzip: false });
    const results = await client.sendBatch(events(100));
    assert.ok(results.every(({ ok }) => ok));
    assert.equal((await logged()).size, 100);
  });

  test('with a rate limit everything arrives, a little later', async (t) => {
    const settings = { RATE_LIMIT_ADDRESS_REQUESTS: '2', RATE_LIMIT_ADDRESS_REQUESTS_BURST: '2' };
    const { client, logged, retries } = await clientAndReceiver(
      t,
      { settings },
      { batch: { maxEvents: 25 }, deadlineMs: 200_000 },
    );
    const results = await client.sendBatch(events(100));
    assert.ok(results.every(({ ok }) => ok));
    assert.ok(retries.length > 0 && retries.every(({ status, delayMs }) => status === 429 && delayMs >= 1000));
    const times = await logged();
    assert.equal(times.size, 100);
    assert.deepEqual([...new Set(times.values())], [1]);
  });

  test('an outage of the log is ridden over, with the pauses that the receiver asks for', async (t) => {
    let outage = 1;
    const wrapProducer = failing((ids) => (outage-- > 0 ? ids.map((_, index) => index) : []));
    const { client, logged, retries } = await clientAndReceiver(t, { wrapProducer }, { deadlineMs: 200_000 });
    const { event_id } = await client.send({ ...EVENT, event_id: 'patient' });
    assert.equal(retries.length, 1);
    assert.ok(retries.every(({ status, delayMs }) => status === 503 && delayMs >= 5000));
    assert.deepEqual([...(await logged())], [[event_id, 1]]);
  });
});
