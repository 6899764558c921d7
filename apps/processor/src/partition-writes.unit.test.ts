import assert from 'node:assert/strict';
import { test } from 'node:test';
import { databaseError } from '@kero/database';
import { PartitionWrites } from './partition-writes.ts';

const AWAY = databaseError('database_unavailable', 'connection refused');

function setUp() {
  let now = 0;
  const writes = new PartitionWrites(() => now);
  return {
    writes,
    advance: (ms: number) => {
      now += ms;
    },
  };
}

test('a write that fails pauses its partition until it ends; each failed attempt is counted by its code', () => {
  const { writes, advance } = setUp();
  {
    using write = writes.begin(3);
    assert.equal(writes.pausedCount, 0);
    assert.equal(write.failed(AWAY, 'connection refused'), true, 'the first failure is news');
    advance(100);
    assert.equal(write.failed(AWAY, 'connection refused'), false);
    assert.equal(writes.pausedCount, 1);
    assert.equal(write.pausedMs, 100);
  }
  assert.equal(writes.pausedCount, 0);
  assert.equal(writes.retries.get('database_unavailable'), 2);
  assert.equal(writes.retries.get('database_misconfigured'), 0, 'shown from the start');
});

test('readiness tells a pause once it has lasted a moment, with its reason', () => {
  const { writes, advance } = setUp();
  using write = writes.begin(3);
  using other = writes.begin(4);
  write.failed(AWAY, 'connection refused');
  other.failed(AWAY, 'connection refused');
  advance(4999);
  assert.deepEqual(writes.health(), { up: true });
  advance(7001);
  assert.deepEqual(writes.health(), {
    up: false,
    reason: 'paused for 12 s (partition 3 and 1 more): connection refused',
  });
});

test('a partition is in the hands of the database while attempts come and go, and no longer when one hangs', () => {
  const { writes, advance } = setUp();
  using write = writes.begin(0);
  for (let n = 0; n < 100; n++) {
    write.attempt();
    advance(45_000);
    assert.deepEqual(writes.inHand(), new Set([0]));
    write.failed(AWAY, 'connection refused');
  }
  write.attempt();
  advance(120_000);
  assert.deepEqual(writes.inHand(), new Set());
});

test('a write that was given up does not hide the one that followed it, whichever begins and ends first', () => {
  const { writes } = setUp();
  const old = writes.begin(0);
  using next = writes.begin(0);
  old[Symbol.dispose]();
  assert.deepEqual(writes.inHand(), new Set([0]));
  next.failed(AWAY, 'connection refused');
  const late = writes.begin(0);
  late.failed(AWAY, 'connection refused');
  assert.equal(writes.pausedCount, 1, 'it is one partition');
  late[Symbol.dispose]();
  assert.deepEqual([writes.inHand(), writes.pausedCount], [new Set([0]), 1]);
});
