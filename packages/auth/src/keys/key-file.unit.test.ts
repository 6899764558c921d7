import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isKeroError } from '@kero/runtime';
import fc from 'fast-check';
import { addKey } from './edit-keys.ts';
import { parseKeyFile, renderKeyFile } from './key-file.ts';

const NOW = Date.parse('2026-11-23T10:00:00.500Z');
const WANTED = { sources: ['shop'], anySource: false, scopes: ['events:write'] } as const;
const { keys } = addKey(
  addKey([], { ...WANTED, name: 'till "3"', expiresAtMs: NOW + 1000 }, NOW).keys,
  { sources: ['gate', 'ä\u{1f600}'], anySource: true, scopes: ['admin', 'events:read'], replaces: 'abcdefghijkl' },
  NOW,
);

function problem(text: string): string {
  try {
    parseKeyFile(text, '/etc/keys.json');
  } catch (error) {
    assert.ok(isKeroError(error, 'keys_file_unusable'), String(error));
    return error.message;
  }
  return '';
}

/** The file with its first key changed. */
function withMembers(members: Readonly<Record<string, unknown>>): string {
  const file = JSON.parse(renderKeyFile(keys)) as { keys: Record<string, unknown>[] };
  file.keys[0] = { ...file.keys[0], ...members };
  return JSON.stringify(file);
}

describe('the file of API keys', () => {
  test('is read back as it was written', () => {
    assert.deepEqual(
      parseKeyFile(renderKeyFile(keys), ''),
      keys.map((key) => ({
        name: undefined,
        expiresAtMs: undefined,
        revokedAtMs: undefined,
        replaces: undefined,
        ...key,
      })),
    );
    assert.deepEqual(parseKeyFile(renderKeyFile([]), ''), []);
  });

  test('holds no secret', () => {
    const { text, keys: one } = addKey([], WANTED, NOW);
    const secret = text.split('_')[2] ?? '';
    assert.equal(secret.length, 40);
    assert.ok(!renderKeyFile(one).includes(secret));
  });

  test('is as the docs describe it', () => {
    const text = `{"version": 1, "keys": [{"id": "2ab7cdef3hij", "secret_sha256": "${'0f'.repeat(32)}",
      "sources": ["shop"], "scopes": ["events:write"], "created_at": "2026-11-23T10:00:00Z"}]}`;
    const [key] = parseKeyFile(text, '');
    assert.equal(key?.id, '2ab7cdef3hij');
    assert.equal(key?.anySource, false);
    assert.equal(key?.expiresAtMs, undefined);
  });

  test('every mistake is named by its place', () => {
    const wrong: [Record<string, unknown>, RegExp][] = [
      [{ id: 'short' }, /keys\[0\]\.id is not 12/],
      [{ id: keys[1]?.id }, /keys\[1\]\.id is there twice/],
      [{ name: 7 }, /keys\[0\]\.name/],
      [{ secret_sha256: 'AB'.repeat(32) }, /keys\[0\]\.secret_sha256/],
      [{ secret_sha256: undefined }, /keys\[0\]\.secret_sha256/],
      [{ sources: [] }, /keys\[0\]\.sources/],
      [{ sources: 'shop' }, /keys\[0\]\.sources/],
      [{ sources: [''] }, /keys\[0\]\.sources/],
      [{ sources: ['\ud800'] }, /keys\[0\]\.sources/],
      [{ sources: ['a'.repeat(257)] }, /keys\[0\]\.sources/],
      [{ any_source: 'true' }, /keys\[0\]\.any_source/],
      [{ scopes: [] }, /keys\[0\]\.scopes/],
      [{ scopes: ['events:all'] }, /keys\[0\]\.scopes/],
      [{ created_at: undefined }, /keys\[0\]\.created_at/],
      [{ expires_at: '2026-02-30T00:00:00Z' }, /keys\[0\]\.expires_at/],
      [{ expires_at: 'never' }, /keys\[0\]\.expires_at/],
      [{ revoked_at: 0 }, /keys\[0\]\.revoked_at/],
      [{ replaces: 'x' }, /keys\[0\]\.replaces/],
      [{ ip_allow: ['10.0.0.0/8'] }, /keys\[0\]\.has 1 unknown member/],
    ];
    for (const [members, expected] of wrong)
      assert.match(problem(withMembers(members)), expected, JSON.stringify(members));
    assert.match(problem(withMembers({ id: 'x', scopes: [] })), /\.id .*; .*\.scopes/);
  });

  test('what is no key file at all is refused too', () => {
    for (const text of ['', '[]', 'null', '{', '{"keys":[]}', '{"version":2,"keys":[]}', '{"version":1}']) {
      assert.match(problem(text), /^the API keys in \/etc\/keys\.json cannot be used: /, text);
    }
    assert.match(problem('{"version":1,"keys":[],"more":1}'), /unknown member/);
    assert.match(problem('{"version":1,"keys":[null]}'), /keys\[0\]\.id/);
  });

  test('whatever JSON it holds, it is either good or refused as unusable', () => {
    const member = fc.constantFrom(
      'id',
      'name',
      'secret_sha256',
      'sources',
      'scopes',
      'created_at',
      'expires_at',
      'toString',
    );
    const entry = fc.oneof(
      fc.jsonValue(),
      fc.dictionary(member, fc.oneof(fc.jsonValue(), fc.dictionary(member, fc.jsonValue()))),
    );
    const file = fc.record({ version: fc.constantFrom(1, 1, 2), keys: fc.oneof(fc.array(entry), fc.jsonValue()) });
    const run = (value: unknown) => {
      const text = JSON.stringify(value);
      assert.match(problem(text) || '(good)', /^\(good\)$|^the API keys in/);
    };
    fc.assert(fc.property(file, run));
    run({ version: 1, keys: [{ id: { toString: 1 }, secret_sha256: { toString: 1 } }] });
  });

  test('what stands in a broken file is not quoted', () => {
    for (const text of ['{"version":1, kero_secret', withMembers({ kero_secret: 'kero_secret', id: 'kero_secret' })]) {
      assert.doesNotMatch(problem(text), /kero_secret/);
    }
  });
});
