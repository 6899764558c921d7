import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pauseAfterFetch } from './fetch-pace.ts';

/** A broker that answers when there is a record, and a reader that keeps the pace; times in milliseconds. */
function fetchesOf(records: readonly { readonly at: number; readonly bytes: number }[], endAt: number) {
  const fetches: { beganAt: number; answeredAt: number; bytes: number }[] = [];
  const waiting = [...records];
  for (let now = 0; now < endAt; ) {
    const beganAt = now;
    const first = waiting[0];
    if (!first) break;
    now = Math.max(now, first.at) + 1;
    let bytes = 0;
    for (; waiting[0] && waiting[0].at < now; waiting.shift()) bytes += waiting[0].bytes;
    fetches.push({ beganAt, answeredAt: now, bytes });
    now += pauseAfterFetch({ beganAt, bytes }, now);
  }
  return fetches;
}

test('with one record a millisecond a fetch brings those of the interval, and none waits longer than that', () => {
  const records = Array.from({ length: 1000 }, (_, at) => ({ at, bytes: 300 }));
  const fetches = fetchesOf(records, 1000);
  assert.ok(fetches.length <= 201, `${fetches.length} fetches`);
  for (const [n, { beganAt }] of fetches.slice(1).entries()) {
    assert.equal(beganAt - (fetches[n]?.beganAt ?? 0), 5);
  }
});

test('a record after a pause is answered at once, and so is the one after the next pause', () => {
  const fetches = fetchesOf(
    [100, 200, 300].map((at) => ({ at, bytes: 300 })),
    1000,
  );
  assert.deepEqual(
    fetches.map(({ answeredAt }) => answeredAt),
    [101, 201, 301],
  );
});

test('a fetch that brought a lot is followed at once', () => {
  assert.equal(pauseAfterFetch({ beganAt: 10, bytes: 1024 * 1024 }, 11), 0);
});

test('an answer that brought nothing and came at once does not make the next fetch begin at once', () => {
  assert.equal(pauseAfterFetch({ beganAt: 10, bytes: 0 }, 10), 5);
});
