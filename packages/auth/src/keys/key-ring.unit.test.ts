import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { describe, type TestContext, test } from 'node:test';
import { addKey, revokeKey } from './edit-keys.ts';
import { KeyRing } from './key-ring.ts';
import { keyText, makeKey } from './key-text.ts';

const NOW = Date.parse('2026-11-23T10:00:00Z');
const WANTED = { sources: ['shop', 'pos'], anySource: false, scopes: ['events:write'] } as const;

function ring() {
  const live = addKey([], WANTED, NOW);
  const expiring = addKey(live.keys, { ...WANTED, anySource: true, expiresAtMs: NOW + 1000 }, NOW);
  const revoked = addKey(expiring.keys, WANTED, NOW);
  return { live, expiring, revoked, ring: new KeyRing(revokeKey(revoked.keys, revoked.made.id, NOW)) };
}

describe('checking an API key', () => {
  test('a live key is known, with its sources, its default source and its scopes', () => {
    const { live, expiring, ring: keys } = ring();
    const verdict = keys.verify(live.text, NOW);
    assert.ok(verdict.outcome === 'known');
    assert.deepEqual(verdict.identity, {
      id: `key:${live.made.id}`,
      defaultSource: 'shop',
      sources: new Set(['shop', 'pos']),
      scopes: new Set(['events:write']),
    });
    const anySource = keys.verify(expiring.text, NOW);
    assert.ok(anySource.outcome === 'known');
    assert.equal(anySource.identity.sources, undefined);
    assert.equal(keys.countLive(NOW), 2);
  });

  test('one bit of the secret, another id, an end or a revocation refuse it', () => {
    const { live, expiring, revoked, ring: keys } = ring();
    const reason = (text: string, atMs = NOW) => {
      const verdict = keys.verify(text, atMs);
      return verdict.outcome === 'refused' ? verdict.reason : verdict.outcome;
    };
    const other = live.text.endsWith('a') ? 'b' : 'a';
    assert.equal(reason(live.text.replace(/.$/, other)), 'wrong_secret');
    assert.equal(reason(keyText({ id: live.made.id, secret: makeKey().secret })), 'wrong_secret');
    assert.equal(reason(keyText(makeKey())), 'unknown_key');
    assert.equal(reason(expiring.text, NOW + 999), 'known');
    assert.equal(reason(expiring.text, NOW + 1000), 'expired');
    assert.equal(reason(revoked.text), 'revoked');
    assert.equal(reason(`${live.text}x`), 'malformed');
    assert.equal(reason(live.made.secretSha256), 'malformed');
    assert.equal(reason(keyText({ id: live.made.id, secret: live.made.secretSha256.slice(0, 40) })), 'malformed');
  });

  test('a verdict is judged again without the text: end and revocation hold, and only for the ring that gave it', () => {
    const { expiring, ring: keys } = ring();
    const known = keys.verify(expiring.text, NOW);
    assert.ok(known.outcome === 'known');
    assert.equal(keys.verifyAgain(known, NOW + 999), known);
    assert.deepEqual(keys.verifyAgain(known, NOW + 1000), {
      outcome: 'refused',
      reason: 'expired',
      id: `key:${expiring.made.id}`,
    });
    const readAnew = new KeyRing(expiring.keys);
    assert.equal(readAnew.verifyAgain(known, NOW), undefined);
  });

  test('the same work is done for a wrong secret and for an id that is not there', (t: TestContext) => {
    const { live, revoked, ring: keys } = ring();
    const hashed = t.mock.method(crypto, 'hash');
    const compared = t.mock.method(crypto, 'timingSafeEqual');
    syncBuiltinESMExports();
    t.after(() => {
      t.mock.restoreAll();
      syncBuiltinESMExports();
    });
    const work = (text: string) => {
      hashed.mock.resetCalls();
      compared.mock.resetCalls();
      keys.verify(text, NOW);
      return {
        hashed: hashed.mock.callCount(),
        compared: compared.mock.calls.map(({ arguments: [a, b] }) => [
          (a as Buffer).byteLength,
          (b as Buffer).byteLength,
        ]),
      };
    };
    const expected = { hashed: 1, compared: [[32, 32]] };
    assert.deepEqual(work(live.text), expected);
    assert.deepEqual(work(keyText({ id: live.made.id, secret: makeKey().secret })), expected);
    assert.deepEqual(work(keyText(makeKey())), expected);
    assert.deepEqual(work(revoked.text), expected);
  });
});
