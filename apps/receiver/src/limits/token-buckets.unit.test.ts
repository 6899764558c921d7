import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TokenBuckets } from './token-buckets.ts';

function setUp(perSecond: number, burst: number, maxKeys = 1000) {
  const clock = { ms: 5000 };
  const buckets = new TokenBuckets({ rate: { perSecond, burst }, now: () => clock.ms, maxKeys });
  return { buckets, clock };
}

describe('a token bucket', () => {
  test('holds its burst and not one more', () => {
    const { buckets } = setUp(1, 3);
    for (const left of [3, 2, 1]) {
      assert.equal(buckets.left('a'), left);
      assert.equal(buckets.secondsUntil('a', 1), 0);
      buckets.take('a', 1);
    }
    assert.equal(buckets.left('a'), 0);
    assert.equal(buckets.secondsUntil('a', 1), 1);
    assert.equal(buckets.left('b'), 3, 'every key has its own');
  });

  test('fills with its rate, to the brim', () => {
    const { buckets, clock } = setUp(10, 20);
    buckets.take('a', 20);
    clock.ms += 99;
    assert.ok(buckets.secondsUntil('a', 1) > 0);
    clock.ms += 1;
    assert.equal(buckets.secondsUntil('a', 1), 0);
    clock.ms += 1_000_000;
    assert.equal(buckets.left('a'), 20);
  });

  test('that owes something pays it back first', () => {
    const { buckets, clock } = setUp(10, 20);
    buckets.take('a', 50);
    assert.equal(buckets.left('a'), -30);
    assert.equal(buckets.secondsUntil('a', 1), 3.1);
    clock.ms += 3100;
    assert.equal(buckets.secondsUntil('a', 1), 0);
  });

  test('is exact with rates that no binary fraction has', () => {
    const { buckets, clock } = setUp(3, 1);
    for (let second = 0; second < 1000; second++) {
      for (let n = 0; n < 3; n++) {
        assert.equal(buckets.secondsUntil('a', 1), 0);
        buckets.take('a', 1);
        clock.ms += 1000 / 3;
      }
    }
  });
});

describe('token buckets', () => {
  test('remember a bounded number of keys', () => {
    const { buckets } = setUp(1, 3, 100);
    for (let key = 0; key < 100_000; key++) buckets.take(String(key), 1);
    assert.ok(buckets.size <= 200, `${buckets.size}`);
  });

  test('do not forget a key that is in use, however many others come', () => {
    const { buckets } = setUp(1, 3, 100);
    buckets.take('busy', 3);
    for (let key = 0; key < 100_000; key++) {
      buckets.take(String(key), 1);
      if (key % 50 === 0) buckets.take('busy', 0);
    }
    assert.equal(buckets.left('busy'), 0);
  });

  test('asking for a key does not make it known', () => {
    const { buckets } = setUp(1, 3);
    buckets.left('a');
    buckets.secondsUntil('a', 1);
    assert.equal(buckets.size, 0);
  });
});
