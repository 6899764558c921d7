import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assignPartitions } from './assign-partitions.ts';

const nobody = [undefined, undefined, undefined, undefined];

test('the first member gets everything', () => {
  assert.deepEqual(assignPartitions(nobody, ['a']), ['a', 'a', 'a', 'a']);
});

test('a second member takes half, and the other half stays where it was', () => {
  assert.deepEqual(assignPartitions(['a', 'a', 'a', 'a'], ['a', 'b']), ['a', 'a', 'b', 'b']);
});

test('a third member takes one, and only one moves', () => {
  const owners = ['a', 'a', 'b', 'b'];
  const assigned = assignPartitions(owners, ['a', 'b', 'c']);
  assert.equal(assigned.filter((owner) => owner === 'c').length, 1);
  assert.equal(assigned.filter((owner, partition) => owner !== owners[partition]).length, 1);
});

test('what a member leaves is shared out among the others', () => {
  assert.deepEqual(assignPartitions(['a', 'c', 'b', 'b'], ['a', 'b']), ['a', 'a', 'b', 'b']);
});

test('members beyond the number of partitions get nothing and take nothing away', () => {
  const owners = ['a', 'b', 'c', 'd'];
  assert.deepEqual(assignPartitions(owners, ['a', 'b', 'c', 'd', 'e']), owners);
});

test('without members nobody owns anything', () => {
  assert.deepEqual(assignPartitions(['a', 'a', 'b', 'b'], []), nobody);
});
