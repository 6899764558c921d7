import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvalidArgumentError } from 'commander';
import { parseCount, parseId, parseIds, parseList, parseListOf, parseMoment, parseNumber } from './option-values.ts';

const NOW = Date.UTC(2026, 10, 23, 12);
const moment = parseMoment(() => NOW);

test('a moment is RFC 3339, to the microsecond, or how long ago it was', () => {
  assert.equal(moment('2026-11-23T10:00:00.000001Z'), Date.UTC(2026, 10, 23, 10) * 1000 + 1);
  assert.equal(moment('2026-11-23 10:00:00+02:00'), Date.UTC(2026, 10, 23, 8) * 1000);
  assert.equal(moment('2h'), (NOW - 7_200_000) * 1000);
  assert.equal(moment('30m'), (NOW - 1_800_000) * 1000);
  assert.equal(moment('7d'), (NOW - 604_800_000) * 1000);
});

test('what cannot be a value is a mistake of usage that says what is expected', () => {
  const status = parseListOf(['open', 'all']);
  for (const [parse, texts] of [
    [moment, ['', '2', '2x', 'yesterday', '2026-11-23', '2026-11-23T10:00:00', '-2h']],
    [parseCount, ['', '0', '-1', '1.5', 'x', '1e3', ' 1']],
    [parseNumber, ['', '-1', '1.5', 'x']],
    [parseId, ['', '0', '-1', 'x', '9223372036854775808']],
    [parseIds, ['', ',', '1,x']],
    [parseList, ['', ' , ']],
    [status, ['', 'opened', 'open,closed']],
  ] as const) {
    for (const text of texts) assert.throws(() => parse(text), InvalidArgumentError, `"${text}"`);
  }
});

test('lists are separated by commas, blanks around an item do not count', () => {
  assert.deepEqual(parseIds('1, 2,9223372036854775807'), [1n, 2n, 9_223_372_036_854_775_807n]);
  assert.deepEqual(parseList('purchase , view'), ['purchase', 'view']);
  assert.deepEqual(parseListOf(['open', 'all'])('all,open'), ['all', 'open']);
  assert.equal(parseNumber('0'), 0);
  assert.equal(parseCount('20'), 20);
});
