import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { InvalidArgumentError } from 'commander';
import { collectScope, collectSource, parseDuration, parseExpiry, parseKeyId } from './key-options.ts';

const NOW = Date.parse('2026-11-23T10:00:00Z');
const DAY = 86_400_000;

function refused(work: () => unknown, expected: RegExp): void {
  assert.throws(work, (error) => error instanceof InvalidArgumentError && expected.test(error.message));
}

describe('the options of kero keys', () => {
  test('sources are gathered in their order, each once', () => {
    assert.deepEqual(collectSource('a', collectSource('b', collectSource('a'))), ['a', 'b']);
    refused(() => collectSource(''), /1 to 256/);
    refused(() => collectSource('a'.repeat(257)), /1 to 256/);
  });

  test('a star is not taken for a source of this name, which somebody would mean as any', () => {
    refused(() => collectSource('*'), /--any-source/);
  });

  test('scopes are known ones', () => {
    assert.deepEqual(collectScope('admin', collectScope('events:read')), ['events:read', 'admin']);
    refused(() => collectScope('write'), /events:write, events:read, dead-letters:write, admin/);
  });

  test('an id is an id, and not the whole key', () => {
    assert.equal(parseKeyId('dg7uirx4dkzq'), 'dg7uirx4dkzq');
    refused(() => parseKeyId(`kero_dg7uirx4dkzq_${'a'.repeat(40)}`), /not the key/);
  });

  test('the end of a key is a lifetime, a day or a time, and still to come', () => {
    const parse = parseExpiry(() => NOW);
    assert.equal(parse('90d'), NOW + 90 * DAY);
    assert.equal(parse('2026-11-24'), Date.parse('2026-11-24T00:00:00Z'));
    assert.equal(parse('2027-03-31T12:00:00+02:00'), Date.parse('2027-03-31T10:00:00Z'));
    for (const passed of ['0s', '2026-11-23', '2026-11-23T10:00:00Z']) refused(() => parse(passed), /passed/);
    for (const other of ['', 'never', '90', '2026-02-30', 'tomorrow']) refused(() => parse(other), /how long it lives/);
  });

  test('an overlap may be nothing', () => {
    assert.equal(parseDuration('0s'), 0);
    assert.equal(parseDuration('24h'), DAY);
    refused(() => parseDuration('24'), /number with a unit/);
  });
});
