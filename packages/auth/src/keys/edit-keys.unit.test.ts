import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isKeroError } from '@kero/runtime';
import { addKey, revokeKey, rotateKey } from './edit-keys.ts';
import { keyState } from './stored-key.ts';

const NOW = Date.parse('2026-11-23T10:00:00Z');
const HOUR = 3_600_000;
const WANTED = { name: 'shop', sources: ['shop', 'pos'], anySource: false, scopes: ['events:write'] } as const;

describe('rotating a key', () => {
  test('makes a second one for the same sources, with the same default, and ends the old one after the overlap', () => {
    const first = addKey([], WANTED, NOW);
    const { keys, made } = rotateKey(first.keys, first.made.id, { overlapMs: HOUR }, NOW + HOUR);
    assert.notEqual(made.id, first.made.id);
    assert.notEqual(made.secretSha256, first.made.secretSha256);
    assert.deepEqual(
      { ...made, id: '', secretSha256: '' },
      {
        ...first.made,
        id: '',
        secretSha256: '',
        createdAtMs: NOW + HOUR,
        expiresAtMs: undefined,
        replaces: first.made.id,
      },
    );
    const states = (atMs: number) => keys.map((key) => keyState(key, atMs));
    assert.deepEqual(states(NOW + 2 * HOUR - 1), ['live', 'live']);
    assert.deepEqual(states(NOW + 2 * HOUR), ['expired', 'live']);
  });

  test('the new key lives as long as the old one was made for, or as it is told', () => {
    const first = addKey([], { ...WANTED, expiresAtMs: NOW + 10 * HOUR }, NOW);
    const { id } = first.made;
    const second = rotateKey(first.keys, id, { overlapMs: HOUR }, NOW + 5 * HOUR);
    assert.equal(second.made.expiresAtMs, NOW + 15 * HOUR);
    const told = rotateKey(first.keys, id, { overlapMs: HOUR, expiresAtMs: NOW + 6 * HOUR }, NOW + 5 * HOUR);
    assert.equal(told.made.expiresAtMs, NOW + 6 * HOUR);
    // Rotated once more: the end of the old key is that of an overlap by now.
    const third = rotateKey(second.keys, id, { overlapMs: HOUR }, NOW + 5 * HOUR);
    assert.equal(third.made.expiresAtMs, NOW + 15 * HOUR);
  });

  test('no overlap lets the old key live longer than it would', () => {
    const first = addKey([], { ...WANTED, expiresAtMs: NOW + HOUR }, NOW);
    const { keys } = rotateKey(first.keys, first.made.id, { overlapMs: 24 * HOUR }, NOW);
    assert.equal(keys[0]?.expiresAtMs, NOW + HOUR);
  });

  test('a revoked or unknown key gets no successor', () => {
    const { keys, made } = addKey([], WANTED, NOW);
    const revoked = revokeKey(keys, made.id, NOW);
    assert.throws(
      () => rotateKey(revoked, made.id, { overlapMs: 0 }, NOW),
      (error) => isKeroError(error, 'key_revoked'),
    );
    assert.throws(
      () => rotateKey(keys, 'aaaaaaaaaaaa', { overlapMs: 0 }, NOW),
      (error) => isKeroError(error, 'key_not_found'),
    );
  });
});

describe('revoking a key', () => {
  test('ends this one at once, and no other', () => {
    const first = addKey([], WANTED, NOW);
    const { keys } = addKey(first.keys, WANTED, NOW);
    const after = revokeKey(keys, first.made.id, NOW);
    assert.deepEqual(
      after.map((key) => keyState(key, NOW)),
      ['revoked', 'live'],
    );
  });

  test('a second time changes nothing', () => {
    const { keys, made } = addKey([], WANTED, NOW);
    const once = revokeKey(keys, made.id, NOW);
    assert.deepEqual(revokeKey(once, made.id, NOW + HOUR), once);
    assert.throws(
      () => revokeKey(keys, 'aaaaaaaaaaaa', NOW),
      (error) => isKeroError(error, 'key_not_found'),
    );
  });
});
