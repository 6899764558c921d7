import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createClient,
  type KeroClientError,
  type KeroEvent,
  type RetryInfo,
  type SendResult,
} from '../../packages/client/src/index.ts';
import { EmbeddedKero } from '../support/embedded-kero.ts';
import { throwawayFolder } from '../support/kero-process.ts';
import { TcpProxy } from '../support/postgres/tcp-proxy.ts';
import { waitUntil } from '../support/wait-until.ts';

/** Every tenth event is one that the receiver must refuse. */
const isBad = (number: number) => number % 10 === 7;

function event(number: number): KeroEvent {
  return {
    event_id: `client-${number}`,
    user_id: `user-${number % 13}`,
    event_type: 'purchase',
    event_timestamp: '2026-10-07T10:00:00Z',
    event_data: isBad(number) ? { item_id: number } : { item_id: `${number}`, price: '19.90' },
  };
}

test('through cuts, lost answers, silence and restarts each event is one row, and each result is right', {
  timeout: 280_000,
}, async (t) => {
  const kero = new EmbeddedKero(t, throwawayFolder(t));
  await kero.start();
  const target = { host: '127.0.0.1', port: Number(new URL(kero.url).port) };
  await using proxy = await TcpProxy.start(target);
  const retries: RetryInfo[] = [];
  const client = createClient({
    url: `http://127.0.0.1:${proxy.port}`,
    concurrency: 3,
    batch: { maxEvents: 40 },
    requestTimeoutMs: 3000,
    // Longer than the test may take: here nothing is to be given up.
    deadlineMs: 280_000,
    retry: { firstDelayMs: 20, maxDelayMs: 500 },
    onRetry: (retry) => void retries.push(retry),
  });

  const results = new Map<number, SendResult>();
  const sent: Promise<unknown>[] = [];
  /** Sends some more, and remembers what becomes of each. */
  const sendMore = (count: number) => {
    const first = sent.length;
    for (let last = sent.length + count; sent.length < last; ) {
      const number = sent.length;
      sent.push(
        client.send(event(number)).then(
          (accepted) => results.set(number, { ok: true, ...accepted }),
          (error: KeroClientError) => results.set(number, { ok: false, error }),
        ),
      );
    }
    return sent.slice(first);
  };
  const answered = (count: number) =>
    waitUntil(() => results.size >= count, { timeoutMs: 120_000, what: () => `${results.size} of ${count} results` });
  const retriesBeyond = (count: number) =>
    waitUntil(() => retries.length > count, { timeoutMs: 120_000, what: 'another attempt' });

  sendMore(200);
  await answered(200);
  assert.equal(retries.length, 0, 'nothing went wrong yet');

  // What is sent arrives, and its answer does not: stored, and nobody knows.
  let lost = 0;
  proxy.dropAnswersAfter = (bytes) => bytes.includes('POST ') && ++lost <= 3;
  // Connections of before would not notice.
  proxy.cut();
  sendMore(200);
  await answered(400);
  assert.ok(lost >= 3, `${lost} requests without an answer`);
  proxy.dropAnswersAfter = undefined;

  // Broken in the middle, again and again.
  for (let cut = 0; cut < 10; cut++) {
    await Promise.race(sendMore(50));
    proxy.cut();
  }
  await answered(900);

  // Nothing arrives and nobody is told: only the time limit of a request helps.
  let before = retries.length;
  proxy.blackhole = true;
  sendMore(100);
  await retriesBeyond(before);
  proxy.blackhole = false;
  proxy.cut();
  await answered(1000);

  // Killed and stopped in the middle, each time back on another port.
  for (const end of ['kill', 'stop'] as const) {
    await Promise.race(sendMore(300));
    assert.ok(results.size < sent.length, 'in the middle');
    before = retries.length;
    await kero[end]();
    sendMore(100);
    await retriesBeyond(before);
    await kero.start();
    target.port = Number(new URL(kero.url).port);
  }
  await answered(1800);
  await Promise.all(sent);
  await client.close();

  const wrong = [...results].filter(([number, result]) => result.ok === isBad(number));
  assert.deepEqual(wrong, []);
  for (const [number, result] of results) {
    if (result.ok) assert.equal(result.event_id, `client-${number}`);
    else assert.deepEqual([result.error.code, result.error.problem?.status], ['refused', 422]);
  }
  await kero.drained();
  const rows = await kero.sql(`select event_id, id from events`);
  assert.equal(rows.length, 1620);
  const accepted = [...results.values()].flatMap((result) => (result.ok ? [[result.event_id, result.id]] : []));
  assert.deepEqual(new Map(rows as [string, string][]), new Map(accepted as [string, string][]));
  assert.equal(await kero.count('dead_letters'), 0);
});
