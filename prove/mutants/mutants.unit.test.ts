import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { mutants } from './mutants.ts';

const ROOT = join(import.meta.dirname, '../..');

describe('the mutants', () => {
  for (const { name, edits } of mutants) {
    test(`${name} still fits the code`, () => {
      for (const { file, find } of edits) {
        const found = readFileSync(join(ROOT, file), 'utf8').split(find).length - 1;
        assert.equal(found, 1, `${file} has ${found} times: ${find}`);
      }
    });
  }
});
