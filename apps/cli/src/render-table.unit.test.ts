import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderTable } from './render-table.ts';

test('columns are as wide as their widest cell, and lines have no trailing blanks', () => {
  const table = renderTable(
    ['name', 'n'],
    [
      ['a', '1'],
      ['longer', ''],
    ],
  );
  assert.equal(table, 'name    n\n------  -\na       1\nlonger');
});

test('numbers may stand at the right', () => {
  const table = renderTable(['n'], [['5'], ['1000']], { alignRight: [0] });
  assert.equal(table, '   n\n----\n   5\n1000');
});

test('a table may have more rows than a call has arguments', () => {
  const rows = Array.from({ length: 200_000 }, (_, n) => [String(n)]);
  assert.equal(renderTable(['n'], rows).split('\n').length, 200_002);
});
