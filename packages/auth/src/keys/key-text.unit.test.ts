import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { digestOf, isKeyId, keyText, looksLikeKey, makeKey, parseKey } from './key-text.ts';

describe('the text of an API key', () => {
  test('is read back into its id and its secret', () => {
    const parts = makeKey();
    assert.match(keyText(parts), /^kero_[a-z2-7]{12}_[a-z2-7]{40}$/);
    assert.deepEqual(parseKey(keyText(parts)), parts);
    assert.ok(looksLikeKey(keyText(parts)));
    assert.ok(isKeyId(parts.id));
  });

  test('is never the same twice, and uses every letter of its alphabet', () => {
    const secrets = Array.from({ length: 500 }, () => makeKey().secret);
    assert.equal(new Set(secrets).size, 500);
    assert.equal(new Set(secrets.join('')).size, 32);
  });

  test('anything else is not a key', () => {
    const text = keyText(makeKey());
    const others = [
      '',
      'kero_',
      text.slice(0, -1),
      `${text}a`,
      ` ${text}`,
      `${text}\n`,
      text.toUpperCase(),
      text.replace('kero_', 'kera_'),
      text.replace(/.$/, '1'),
      text.replaceAll('_', '-'),
    ];
    for (const other of others) assert.equal(parseKey(other), undefined, JSON.stringify(other));
  });

  test('its digest is the SHA-256 of the secret alone, so that other programs can make files', () => {
    const { secret } = makeKey();
    assert.equal(digestOf(secret).toString('hex'), createHash('sha256').update(secret, 'ascii').digest('hex'));
  });
});
