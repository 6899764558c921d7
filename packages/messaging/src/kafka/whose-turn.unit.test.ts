import assert from 'node:assert/strict';
import { test } from 'node:test';
import { whoseTurn } from './whose-turn.ts';

function turns(all: string, suspects: string, count: number): string[] {
  return Array.from({ length: count }, (_, turn) =>
    whoseTurn([...all], (one) => suspects.includes(one), turn).join(''),
  );
}

test('all are fetched together, each of them first in its turn', () => {
  assert.deepEqual(turns('abc', '', 4), ['abc', 'bca', 'cab', 'abc']);
});

test('suspects are fetched alone, in turn with the others, which still begin at another one each time', () => {
  assert.deepEqual(turns('abc', 'b', 5), ['b', 'ac', 'b', 'ca', 'b']);
  assert.deepEqual(turns('abcd', 'ad', 7), ['a', 'd', 'bc', 'a', 'd', 'cb', 'a']);
});

test('where there are only suspects, they take turns', () => {
  assert.deepEqual(turns('ab', 'ab', 3), ['a', 'b', 'a']);
});

test('of nothing there is nothing to fetch', () => {
  assert.deepEqual(
    whoseTurn([], () => false, 3),
    [],
  );
});
