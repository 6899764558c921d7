import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { addKey, revokeKey } from '@kero/auth';
import { renderKeys } from './list.ts';

const NOW = Date.parse('2026-11-23T10:00:00Z');

describe('what kero keys list prints', () => {
  test('each key with its state and without its hash; names of strangers cannot move the cursor', () => {
    const wanted = { sources: ['shop'], anySource: false, scopes: ['events:write'] } as const;
    const first = addKey([], { ...wanted, name: 'till\u001b[2J' }, NOW);
    const second = addKey(first.keys, { ...wanted, sources: ['a', 'b'], anySource: true, expiresAtMs: NOW + 1 }, NOW);
    const keys = revokeKey(second.keys, first.made.id, NOW + 60_000);
    const text = renderKeys(keys, '/k.json', NOW + 60_000);
    const [, , one, two, summary] = text.split('\n');
    assert.match(one ?? '', /^[a-z2-7]{12} {2}till\\u\{1b\}\[2J {2}shop .* never .* revoked 2026-11-23T10:01:00Z$/);
    assert.match(two ?? '', /a \(default\), b, any other .* expired$/);
    assert.equal(summary, '(2 in /k.json; 0 can be used)');
    for (const { secretSha256 } of keys) assert.ok(!text.includes(secretSha256));
  });

  test('a file without keys', () => {
    assert.equal(renderKeys([], '/k.json', NOW), 'There are no keys in /k.json.');
  });
});
