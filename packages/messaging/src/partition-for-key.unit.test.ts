import assert from 'node:assert/strict';
import { test } from 'node:test';
import { murmur2, partitionForKey } from './partition-for-key.ts';

/** The vectors of Kafka's own UtilsTest.testMurmur2. */
const vectors: readonly [string, number][] = [
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
];

test('murmur2 gives the values that Kafka tests its own with', () => {
  for (const [key, expected] of vectors) assert.equal(murmur2(Buffer.from(key)), expected, key);
});

test('a key goes to the positive hash modulo the number of partitions', () => {
  for (const [key, hash] of vectors) {
    assert.equal(partitionForKey(Buffer.from(key), 6), (hash & 0x7fffffff) % 6, key);
  }
  assert.equal(partitionForKey(Buffer.from('21'), 4), 0);
  assert.equal(partitionForKey(Buffer.from('abc'), 4), 3);
});

test('bytes above 127 are taken as unsigned', () => {
  // Computed with the Java code.
  assert.equal(murmur2(Buffer.from('müller-ß-漢')), -499447505);
  assert.equal(murmur2(Buffer.from('ÿÿÿÿÿÿÿ')), 832462057);
});
