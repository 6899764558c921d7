import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Exchange } from '../exchange.ts';
import { createCounts } from '../receiver-counts.ts';
import { BytesInFlight } from './bytes-in-flight.ts';

/** Room for 100 bytes, a clock, and bodies of which only a part came. */
function newRoom() {
  const clock = { ms: 0 };
  const counts = createCounts();
  const room = new BytesInFlight(counts, 100, () => clock.ms);
  const ended: string[] = [];
  const unfinished = (name: string, bytes: number) => {
    const exchange = { bytesHeld: 0 } as Exchange;
    exchange.cancelBody = (refusal) => {
      room.finished(exchange);
      ended.push(`${name} ${refusal.code}`);
    };
    room.hold(exchange, bytes);
    room.unfinished(exchange);
    return exchange;
  };
  return { clock, counts, room, ended, unfinished };
}

test('there is room for so many bytes, and not one more', () => {
  const { room, counts, unfinished } = newRoom();
  const exchange = unfinished('a', 100);
  assert.equal(room.isFull(), false);
  assert.equal(room.isFull(1), true);
  room.hold(exchange, 1);
  assert.equal(room.isFull(), true);
  room.giveBack(exchange);
  assert.equal(counts.bytesInFlight, 0);
});

test('bodies are not ended for others in their first second', () => {
  const { clock, room, ended, unfinished } = newRoom();
  unfinished('a', 60);
  clock.ms = 500;
  unfinished('b', 30);
  clock.ms = 999;
  assert.equal(room.isFull(80), true);
  assert.deepEqual(ended, []);
  clock.ms = 1000;
  assert.equal(room.isFull(80), true, 'b keeps what it has');
  assert.deepEqual(ended, ['a request_timeout']);
  clock.ms = 1500;
  assert.equal(room.isFull(80), false);
});

test('the oldest bodies that are not complete end, as many as needed, however lately bytes came for them', () => {
  const { clock, room, counts, ended, unfinished } = newRoom();
  const [first] = [unfinished('a', 20), unfinished('b', 20), unfinished('c', 20)];
  clock.ms = 5000;
  room.hold(first, 5);
  room.unfinished(first);
  assert.equal(room.isFull(35), false);
  assert.deepEqual(ended, []);
  assert.equal(room.isFull(60), false);
  assert.deepEqual(ended, ['a request_timeout']);
  assert.equal(room.isFull(80), false);
  assert.deepEqual(ended, ['a request_timeout', 'b request_timeout']);
  assert.equal(counts.bytesInFlight, 20);
});

test('a body that is complete stays', () => {
  const { clock, room, ended, unfinished } = newRoom();
  room.finished(unfinished('a', 100));
  clock.ms = 60_000;
  assert.equal(room.isFull(1), true);
  assert.deepEqual(ended, []);
});
