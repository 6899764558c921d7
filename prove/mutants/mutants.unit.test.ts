import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parseOptions } from '../options.ts';
import { mutants } from './mutants.ts';
import { isAsExpected, readOutcome } from './outcome.ts';

const ROOT = join(import.meta.dirname, '../..');

describe('the mutants', () => {
  for (const { name, edits, on, faults, minutes, caughtBy, outOfReach } of mutants) {
    test(`${name} still fits the code`, () => {
      for (const { file, find } of edits) {
        const found = readFileSync(join(ROOT, file), 'utf8').split(find).length - 1;
        assert.equal(found, 1, `${file} has ${found} times: ${find}`);
      }
    });

    test(`${name} has faults that exist, and either an invariant that catches it or a reason why none can`, () => {
      const args = ['--on', on, '--faults', faults, '--minutes', String(minutes)];
      assert.equal(typeof parseOptions(args, () => '1'), 'object');
      assert.equal(caughtBy.length === 0, outOfReach !== undefined);
    });
  }

  test('have names of their own', () => {
    assert.equal(new Set(mutants.map(({ name }) => name)).size, mutants.length);
  });
});

describe('a mutant', () => {
  const catchable = { caughtBy: ['I1', 'I7'] };
  const outOfReach = { caughtBy: [], outOfReach: 'power loss' };
  const proved = 'seed 1\nPROVED: every invariant holds (npm run prove -- --seed 1)\n';
  const broken = (list: string) => `seed 1\nBROKEN: ${list} (npm run prove -- --seed 1)\nledger: folder\n`;

  test('is caught when an invariant that it breaks is broken', () => {
    const outcome = readOutcome(catchable, broken('I2, I7'));
    assert.deepEqual(outcome, { kind: 'caught', broken: ['I2', 'I7'] });
    assert.ok(isAsExpected(catchable, outcome));
  });

  test('is not caught when all holds, when only others are broken, or without a verdict', () => {
    for (const output of [proved, broken('I8'), 'the prover failed: Error', '']) {
      assert.ok(!isAsExpected(catchable, readOutcome(catchable, output)), output);
    }
  });

  test('that is out of reach has to survive', () => {
    assert.ok(isAsExpected(outOfReach, readOutcome(outOfReach, proved)));
    assert.ok(!isAsExpected(outOfReach, readOutcome(outOfReach, broken('I1'))));
  });
});
