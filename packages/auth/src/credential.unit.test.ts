import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { MAX_CREDENTIAL_LENGTH, readCredential } from './credential.ts';
import { keyText, makeKey } from './keys/key-text.ts';

const KEY = keyText(makeKey());
const TOKEN = 'eyJhbGciOiJFUzI1NiJ9.e30.c2ln';

function read(headers: readonly string[], url = '/api/v1/events') {
  return readCredential({ rawHeaders: ['host', 'test', ...headers, 'content-type', 'application/json'], url });
}

describe('the credential of a request', () => {
  test('a key comes as Bearer or as X-API-Key, a token as Bearer only; names and scheme in any case', () => {
    const key = { kind: 'key', text: KEY };
    assert.deepEqual(read(['Authorization', `Bearer ${KEY}`]), key);
    assert.deepEqual(read(['authorization', `bearer ${KEY}`]), key);
    assert.deepEqual(read(['AUTHORIZATION', `BEARER   ${KEY}`]), key);
    assert.deepEqual(read(['X-API-Key', KEY]), key);
    assert.deepEqual(read(['x-api-key', KEY]), key);
    assert.deepEqual(read(['Authorization', `Bearer ${TOKEN}`]), { kind: 'token', text: TOKEN });
    assert.deepEqual(read(['X-API-Key', TOKEN]), { kind: 'key', text: TOKEN });
  });

  test('none is none', () => {
    assert.deepEqual(read([]), { kind: 'none' });
    assert.deepEqual(read(['proxy-authorization', `Bearer ${KEY}`, 'x-api-kei', KEY]), { kind: 'none' });
  });

  test('two of them are refused, wherever and whatever they are', () => {
    const bearer = ['authorization', `Bearer ${KEY}`];
    const apiKey = ['X-Api-Key', KEY];
    for (const headers of [
      [...bearer, ...bearer],
      [...apiKey, ...apiKey],
      [...bearer, ...apiKey],
      [...apiKey, 'Authorization', ''],
      [...bearer, 'Authorization', 'Basic eDp5'],
    ]) {
      assert.deepEqual(read(headers), { kind: 'misplaced' }, headers.join(' '));
    }
  });

  test('one in the URL is refused, also beside a right one', () => {
    for (const query of [
      `access_token=${TOKEN}`,
      `api_key=${KEY}`,
      `API-Key=${KEY}`,
      `a=1&apikey=x`,
      `%61ccess_token=x`,
      `whatever=${KEY}`,
      `x=a${KEY}`,
      `x=%20${KEY}`,
      `x=1#${KEY}`,
      `x=%6Bero%5f${KEY.slice(5)}`,
      `${KEY}x`,
      'token',
    ]) {
      assert.deepEqual(read([], `/api/v1/events?${query}`), { kind: 'misplaced' }, query);
      assert.deepEqual(read(['x-api-key', KEY], `http://h/api/v1/events?${query}`), { kind: 'misplaced' }, query);
    }
    for (const target of [`http://${KEY}@h/api/v1/events`, `/api/v1/events/${KEY}`, `/%6bero${KEY.slice(4)}`]) {
      assert.deepEqual(read(['x-api-key', KEY], target), { kind: 'misplaced' }, target);
    }
    for (const target of ['/api/v1/events?dry=1&q=%zz', '/%zz?x=akero_', '/api/v1/events?x=akero_abc']) {
      assert.deepEqual(read(['x-api-key', KEY], target), { kind: 'key', text: KEY }, target);
    }
  });

  test('what is no bearer credential is malformed', () => {
    for (const value of [
      '',
      'Bearer',
      'Bearer ',
      KEY,
      `Basic ${KEY}`,
      `Bearer ${KEY} x`,
      `Bearer ${KEY},`,
      'Bearer =a',
      'Bearer ä',
    ]) {
      assert.deepEqual(read(['authorization', value]), { kind: 'malformed' }, value);
    }
  });

  test('whatever the headers and the URL are, there is an answer, and a credential is only what one header holds', () => {
    const name = fc.constantFrom('authorization', 'Authorization', 'x-api-key', 'X-API-KEY', 'host', '');
    const value = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('Bearer ', `Bearer ${KEY}`, KEY, 'bearer a'));
    const headers = fc.array(fc.tuple(name, value), { maxLength: 4 });
    const url = fc.option(fc.oneof(fc.webUrl({ withQueryParameters: true }), fc.string()), { nil: undefined });
    fc.assert(
      fc.property(headers, url, (pairs, target) => {
        const credential = readCredential({ rawHeaders: pairs.flat(), url: target });
        if (!('text' in credential)) return;
        const holders = pairs.filter(([header]) => /^(authorization|x-api-key)$/i.test(header));
        assert.equal(holders.length, 1);
        assert.ok(holders[0]?.[1].endsWith(credential.text));
      }),
    );
  });

  test('what is too long is not looked at', () => {
    const longest = `Bearer ${'a'.repeat(MAX_CREDENTIAL_LENGTH - 7)}`;
    assert.equal(read(['authorization', longest]).kind, 'token');
    assert.equal(read(['authorization', `${longest}a`]).kind, 'malformed');
    assert.equal(read(['x-api-key', 'a'.repeat(MAX_CREDENTIAL_LENGTH + 1)]).kind, 'malformed');
  });
});
