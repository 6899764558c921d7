const SEED = 0x9747b28c;
const M = 0x5bd1e995;
const R = 24;

/** murmur2 as Kafka's Java clients compute it: a signed 32-bit integer. */
export function murmur2(data: Uint8Array): number {
  const length = data.length;
  const tail = length & ~3;
  let h = SEED ^ length;
  for (let at = 0; at < tail; at += 4) {
    let k =
      byteAt(data, at) | (byteAt(data, at + 1) << 8) | (byteAt(data, at + 2) << 16) | (byteAt(data, at + 3) << 24);
    k = Math.imul(k, M);
    k ^= k >>> R;
    h = Math.imul(h, M) ^ Math.imul(k, M);
  }
  const left = length - tail;
  if (left >= 3) h ^= byteAt(data, tail + 2) << 16;
  if (left >= 2) h ^= byteAt(data, tail + 1) << 8;
  if (left >= 1) h = Math.imul(h ^ byteAt(data, tail), M);
  h ^= h >>> 13;
  h = Math.imul(h, M);
  h ^= h >>> 15;
  return h;
}

/** The partition of a key: the one that Java's default partitioner chooses, so that other writers of the topic agree. */
export function partitionForKey(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions;
}

function byteAt(data: Uint8Array, index: number): number {
  return data[index] ?? 0;
}
