import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteCursor, DataError } from './byte-cursor.ts';

const INT32 = [0, 1, -1, 63, 64, -64, -65, 8191, 8192, 2 ** 31 - 1, -(2 ** 31)];
const EDGES = [47n, 48n, 49n, 53n, 62n].flatMap((bits) => [
  2n ** bits - 1n,
  2n ** bits,
  -(2n ** bits),
  -(2n ** bits) - 1n,
]);
const INT64 = [...INT32.map(BigInt), ...EDGES, 2n ** 63n - 1n, -(2n ** 63n)];

/** As the protocol describes it: zigzag, 7 bits a byte, the lowest first. The client writes only 32 bits of them. */
function encode(number: bigint): Buffer {
  const bytes: number[] = [];
  let rest = number >= 0n ? number * 2n : -number * 2n - 1n;
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(rest)]);
}

test('numbers are read exactly, to the ends of their range', () => {
  for (const number of INT32) {
    const cursor = new ByteCursor(encode(BigInt(number)));
    assert.equal(cursor.varint(), number);
    assert.equal(cursor.remaining, 0);
  }
  for (const number of INT64) {
    const cursor = new ByteCursor(encode(number));
    assert.equal(BigInt(cursor.varlong()), number);
    assert.equal(cursor.remaining, 0);
  }
});

test('what ends within a number, or does not end in time, is none', () => {
  for (const bytes of [[], [0x80], [0xff, 0xff], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]]) {
    assert.throws(() => new ByteCursor(Buffer.from(bytes)).varint(), DataError);
    assert.throws(() => new ByteCursor(Buffer.from(bytes)).varlong(), DataError);
  }
  assert.throws(() => new ByteCursor(Buffer.alloc(20, 0xff)).varint(), DataError);
  assert.throws(() => new ByteCursor(Buffer.alloc(20, 0xff)).varlong(), DataError);
});

test('a field has the bytes that its length says, or is none', () => {
  const cursor = new ByteCursor(Buffer.from([4, 1, 2, 0, 1, 5]));
  assert.deepEqual(cursor.field(), Buffer.from([1, 2]));
  assert.deepEqual(cursor.field(), Buffer.alloc(0));
  assert.equal(cursor.field(), null);
  assert.throws(() => cursor.field(), /-3 bytes/);
  assert.throws(() => new ByteCursor(Buffer.from([3])).skipField(), /-2 bytes/);
  assert.throws(() => new ByteCursor(Buffer.from([4, 1])).field(), /2 bytes/);
});
