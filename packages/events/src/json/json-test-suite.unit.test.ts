import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { jsonTestSuite } from './json-test-suite.ts';
import { readJson } from './read-json.ts';

function outcome(bytes: Buffer): { ok: boolean; codes: string } {
  const reading = readJson(bytes);
  return reading.ok
    ? {
        ok: true,
        codes: reading.problems
          .toArray()
          .map((problem) => problem.code)
          .join(),
      }
    : { ok: false, codes: reading.problem.code };
}

describe('JSONTestSuite', () => {
  test('every y_ case is accepted, unless one of the further rules forbids it', () => {
    const accepted = jsonTestSuite.filter(({ kind }) => kind === 'y');
    assert.equal(accepted.length, 95);
    for (const { name, bytes, code } of accepted) assert.deepEqual(outcome(bytes), { ok: true, codes: code }, name);
  });

  test('every n_ case is refused as syntax', () => {
    const refused = jsonTestSuite.filter(({ kind }) => kind === 'n');
    assert.equal(refused.length, 186);
    for (const { name, bytes } of refused) assert.equal(outcome(bytes).ok, false, name);
  });

  test('every i_ case has a decided outcome', () => {
    for (const { name, bytes, code } of jsonTestSuite.filter(({ kind }) => kind === 'i')) {
      assert.equal(outcome(bytes).codes, code, name);
    }
  });

  test('100,000 open brackets, or 50,000 open arrays of objects, are refused without a deep call stack', () => {
    assert.equal(outcome(Buffer.from('['.repeat(100_000))).codes, 'invalid_json');
    assert.equal(outcome(Buffer.from('[{"":'.repeat(50_000))).codes, 'invalid_json');
  });
});
