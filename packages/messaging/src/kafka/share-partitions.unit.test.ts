import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sharePartitions } from './share-partitions.ts';

type Parameters_ = Parameters<typeof sharePartitions>;

/** Who gets what: `{ a: 'events 0 2' }`. */
function share(members: Record<string, string[]>, topics: Record<string, number>): Record<string, string> {
  const found = sharePartitions(
    '',
    new Map(
      Object.entries(members).map(([memberId, read]) => [memberId, { memberId, topics: read }]),
    ) as Parameters_[1],
    new Set(),
    {
      topics: new Map(Object.entries(topics).map(([name, partitionsCount]) => [name, { partitionsCount }])),
    } as unknown as Parameters_[3],
  );
  return Object.fromEntries(
    found.map(({ memberId, assignments }) => [
      memberId,
      [...assignments.values()].map(({ topic, partitions }) => `${topic} ${partitions.join(' ')}`).join(', '),
    ]),
  );
}

test('the partitions are dealt out, whatever the order of the members', () => {
  const expected = { a: 'events 0 2 4', b: 'events 1 3' };
  assert.deepEqual(share({ a: ['events'], b: ['events'] }, { events: 5 }), expected);
  assert.deepEqual(share({ b: ['events'], a: ['events'] }, { events: 5 }), expected);
});

test('members that are too many get nothing', () => {
  assert.deepEqual(share({ a: ['events'], b: ['events'] }, { events: 1 }), { a: 'events 0', b: '' });
});

test('nobody gets partitions of a topic that it does not read', () => {
  const members = { a: ['events'], b: ['others'], c: ['events', 'others'] };
  assert.deepEqual(share(members, { events: 3, others: 3 }), {
    a: 'events 0 2',
    b: 'others 1',
    c: 'events 1, others 0 2',
  });
});
