import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEventFilter } from './event-filter.ts';

test('with no lists every type is stored', () => {
  assert.equal(createEventFilter([], [])('purchase'), true);
});

test('an allow list stores only its types', () => {
  const stores = createEventFilter(['purchase', 'view'], []);
  assert.deepEqual(['purchase', 'view', 'refund'].map(stores), [true, true, false]);
});

test('a deny list wins over the allow list', () => {
  assert.deepEqual(['purchase', 'view'].map(createEventFilter(['purchase', 'view'], ['view'])), [true, false]);
  assert.deepEqual(['purchase', 'view'].map(createEventFilter([], ['view'])), [true, false]);
});
