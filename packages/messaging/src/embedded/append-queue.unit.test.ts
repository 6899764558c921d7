import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppendQueue } from './append-queue.ts';

const record = { key: Buffer.from('k'), value: Buffer.from('v'), headers: [] };
const never = () => assert.fail('nothing expires');

test('appends are taken in the order of the calls, up to a size', async () => {
  const queue = new AppendQueue({ maxBytes: 1000, onExpired: never });
  const calls = [10, 20, 30, 40].map((bytes) => queue.add([record], bytes, 60_000));
  const first = queue.take(35);
  assert.deepEqual(
    first.map((append) => append.bytes),
    [10, 20],
  );
  const rest = queue.take(1000);
  assert.deepEqual(
    rest.map((append) => append.bytes),
    [30, 40],
  );
  queue.finish([...first, ...rest]);
  assert.deepEqual(await Promise.all(calls), [undefined, undefined, undefined, undefined]);
});

test('one append is taken even when it is larger than the size', () => {
  const queue = new AppendQueue({ maxBytes: 1000, onExpired: never });
  void queue.add([record], 500, 60_000);
  const taken = queue.take(10);
  assert.equal(taken.length, 1);
  queue.finish(taken);
});

test('beyond the bound an append is refused as overloaded, and taken again when there is room', async () => {
  const queue = new AppendQueue({ maxBytes: 100, onExpired: never });
  const held = queue.add([record], 80, 60_000);
  assert.equal((await queue.add([record], 21, 60_000))?.code, 'log_overloaded');
  const fits = queue.add([record], 20, 60_000);
  queue.finish(queue.take(1000));
  assert.deepEqual(await Promise.all([held, fits]), [undefined, undefined]);
  const alone = queue.add([record], 5000, 60_000);
  queue.finish(queue.take(1000));
  assert.equal(await alone, undefined, 'a call larger than the bound is let in when it is alone');
});

test('an append that waits beyond its deadline fails, is never taken, and gives its room back', async () => {
  let expirations = 0;
  const queue = new AppendQueue({ maxBytes: 100, onExpired: () => expirations++ });
  const late = queue.add([record], 100, 20);
  assert.equal((await late)?.code, 'log_unavailable');
  assert.equal(expirations, 1);
  assert.deepEqual(queue.take(1000), []);
  const next = queue.add([record], 100, 60_000);
  queue.finish(queue.take(1000));
  assert.equal(await next, undefined);
});

test('an append that was taken is answered at its deadline too, and its bytes count until it is finished', async () => {
  let expirations = 0;
  const queue = new AppendQueue({ maxBytes: 100, onExpired: () => expirations++ });
  const late = queue.add([record], 100, 20);
  const taken = queue.take(1000);
  assert.equal((await late)?.code, 'log_unavailable');
  assert.equal((await queue.add([record], 1, 60_000))?.code, 'log_overloaded');
  queue.finish(taken);
  const next = queue.add([record], 1, 60_000);
  queue.finish(queue.take(1000));
  assert.equal(await next, undefined);
  assert.equal(expirations, 1);
});

test('a short deadline is kept behind a long one', async () => {
  let expirations = 0;
  const queue = new AppendQueue({ maxBytes: 100, onExpired: () => expirations++ });
  const long = queue.add([record], 1, 60_000);
  const began = performance.now();
  const short = queue.add([record], 1, 20);
  assert.equal((await short)?.code, 'log_unavailable');
  assert.ok(performance.now() - began < 5000);
  queue.finish(queue.take(1000));
  assert.equal(await long, undefined);
});
