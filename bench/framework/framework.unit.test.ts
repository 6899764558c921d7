import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { allBenches } from '../all-benches.ts';
import type { Bench } from './bench.ts';
import { parseOptions, UsageError } from './options.ts';
import { renderResults, withResults } from './render.ts';
import { type BenchResult, readResult } from './result-files.ts';
import { measureInTurn } from './rounds.ts';
import { figureOf, quantile } from './statistics.ts';

const print = () => {};

describe('rounds', () => {
  test('measure the candidates in turn, another one first each time', async () => {
    const order: string[] = [];
    const candidates = ['a', 'b', 'c'].map((name) => ({
      name,
      measure: async () => {
        order.push(name);
        return { 'n/s': order.length };
      },
    }));
    await measureInTurn(candidates, { rounds: 3, print });
    assert.equal(order.join(''), 'abcbcacab');
  });

  test('give the ratio of what was measured in the same round', async () => {
    const speeds = { fast: [100, 10, 1], slow: [50, 8, 0.5] };
    const candidates = Object.entries(speeds).map(([name, values]) => {
      const left = [...values];
      return { name, measure: async () => ({ 'n/s': left.shift() ?? 0 }) };
    });
    const measured = await measureInTurn(candidates, { rounds: 3, print });
    assert.deepEqual(measured.ratio('slow', 'fast', 'n/s'), { median: 0.5, low: 0.5, high: 0.8 });
  });

  test('show a candidate that fails, and go on', async () => {
    const candidates = [
      { name: 'breaks', measure: () => Promise.reject(new Error('no disk')) },
      { name: 'works', measure: async () => ({ 'n/s': 1 }) },
    ];
    const measured = await measureInTurn(candidates, { rounds: 2, print });
    const [breaks, works] = measured.table('all').candidates;
    assert.deepEqual(breaks?.failures, ['no disk', 'no disk']);
    assert.deepEqual(works?.failures, []);
    assert.equal(measured.ratio('breaks', 'works', 'n/s'), undefined);
  });
});

test('a figure is the median, with the lowest and the highest', () => {
  assert.deepEqual(figureOf([3, 1, 2]), { median: 2, low: 1, high: 3 });
  assert.deepEqual(figureOf([4, 1, 2, 3]), { median: 2.5, low: 1, high: 4 });
  assert.equal(quantile([0, 10], 0.99), 9.9);
  assert.throws(() => figureOf([]), RangeError);
});

describe('the page', () => {
  const bench: Bench = { name: 'b', number: 'P9', question: 'How fast?', run: () => Promise.reject(new Error()) };
  const machine = {
    cores: 2,
    model: 'm',
    memoryGiB: 8,
    kernel: 'k',
    node: 'n',
    kafka: '4',
    postgres: '18',
    commit: 'c',
  };
  const goal = { bound: 'at least', value: 0.5, next: 0.9 } as const;
  const result: BenchResult = {
    ...{ name: 'b', date: '2026-11-23', rounds: 3, machine, load: [0.1, 2] },
    tables: [{ title: 't', candidates: [{ candidate: 'x', figures: {}, failures: ['a | b'] }] }],
    goals: [{ what: 'x / y', value: { median: 0.7, low: 0.6, high: 0.8 }, goal }],
    notes: [],
  };

  test('shows measured value, goal and verdict, and failures', () => {
    const text = renderResults([bench], () => result);
    assert.match(
      text,
      /\| x \/ y \| 0\.7 \(0\.6 to 0\.8\) \| at least 0\.5, then 0\.9 \| reached, the second one not yet \|/,
    );
    assert.match(text, /FAILED 1 times: a \\\| b/);
    assert.match(text, /Load average 0\.1 at the start, 2 at the end/);
  });

  test('says what was not measured', () => {
    assert.match(
      renderResults([bench], () => undefined),
      /Not measured yet/,
    );
  });

  test('docs/performance.md holds the results that are kept', () => {
    const page = readFileSync(new URL('../../docs/performance.md', import.meta.url), 'utf8');
    assert.equal(withResults(page, renderResults(allBenches, readResult)), page, 'run `npm run bench -- --render`');
  });
});

describe('the options', () => {
  test('refuse to keep what --quick has measured', () => {
    assert.throws(() => parseOptions(['--quick', '--write']), UsageError);
  });

  test('refuse what is no number', () => {
    for (const args of [['--rounds', '0'], ['--rounds', 'x'], ['--rows', ''], ['--what']]) {
      assert.throws(() => parseOptions(args), UsageError, args.join(' '));
    }
    assert.deepEqual(parseOptions(['p1', '--rounds', '3']), {
      ...{ names: ['p1'], rounds: 3, list: false, render: false, quick: false, write: false },
      ...{ rows: undefined, minutes: undefined },
    });
  });
});
