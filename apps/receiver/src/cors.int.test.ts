import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readSettings } from '@kero/runtime';
import { receiverSettings } from './receiver-settings.ts';
import { EVENT, problemOf, startTestReceiver } from './receiver-under-test.ts';

const BODY = JSON.stringify(EVENT);
const ORIGIN = 'https://shop.example';

const ask = (origin: string, headers = 'content-type') => ({
  method: 'OPTIONS',
  headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': headers },
});

describe('without CORS_ORIGINS', () => {
  test('there is no OPTIONS, and no answer is for pages of other origins', async (t) => {
    const kero = await startTestReceiver(t);
    const refused = await kero.request('/api/v1/events', ask(ORIGIN));
    problemOf(refused, 405, 'method_not_allowed');
    const answer = await kero.post(BODY, { origin: ORIGIN });
    assert.equal(answer.status, 202);
    for (const { headers } of [refused, answer]) {
      assert.equal(headers.get('access-control-allow-origin'), null);
      assert.equal(headers.get('vary'), null);
    }
  });
});

describe('with CORS_ORIGINS', () => {
  test('a browser is told what a page of such an origin may send, and its events are accepted', async (t) => {
    const kero = await startTestReceiver(t, { settings: { CORS_ORIGINS: `http://localhost:3000, ${ORIGIN}` } });
    const asked = 'Content-Type, Authorization, ce-id, CE-Comexampleextension, x-evil, ce-<x>';
    const preflight = await kero.request('/api/v1/events', ask(ORIGIN, asked));
    assert.equal(preflight.status, 204);
    assert.equal(preflight.text, '');
    assert.equal(preflight.headers.get('content-length'), null);
    assert.equal(preflight.headers.get('access-control-allow-origin'), ORIGIN);
    assert.equal(preflight.headers.get('access-control-allow-methods'), 'POST');
    assert.equal(preflight.headers.get('access-control-max-age'), '7200');
    assert.equal(preflight.headers.get('access-control-allow-credentials'), null);
    assert.equal(preflight.headers.get('vary'), 'origin');
    const allowed = preflight.headers.get('access-control-allow-headers')?.split(', ') ?? [];
    for (const name of [
      'content-type',
      'content-encoding',
      'authorization',
      'x-api-key',
      'x-request-id',
      'traceparent',
    ]) {
      assert.ok(allowed.includes(name), name);
    }
    assert.deepEqual(
      allowed.filter((name) => !/^[a-z-]+$/.test(name) || name.startsWith('ce-') || name === 'x-evil'),
      ['ce-id', 'ce-comexampleextension'],
    );

    const answer = await kero.post(BODY, { origin: ORIGIN });
    assert.equal(answer.status, 202);
    assert.equal(answer.headers.get('access-control-allow-origin'), ORIGIN);
    assert.match(answer.headers.get('access-control-expose-headers') ?? '', /x-request-id, retry-after, ratelimit/);
    assert.equal(answer.headers.get('vary'), 'origin');
    const { counts } = kero.receiver;
    assert.equal(counts.accepted, 1, 'a preflight is no event');
  });

  test('also a refusal can be read by the page', async (t) => {
    const kero = await startTestReceiver(t, { settings: { CORS_ORIGINS: ORIGIN } });
    const answer = await kero.post('{', { origin: ORIGIN });
    problemOf(answer, 400, 'invalid_json');
    assert.equal(answer.headers.get('access-control-allow-origin'), ORIGIN);
  });

  test('other origins get answers that their browsers keep from them', async (t) => {
    const kero = await startTestReceiver(t, { settings: { CORS_ORIGINS: ORIGIN } });
    for (const origin of [
      'https://evil.example',
      `${ORIGIN}.evil.example`,
      'http://shop.example',
      'null',
      `${ORIGIN}:444`,
    ]) {
      const preflight = await kero.request('/api/v1/events', ask(origin));
      assert.equal(preflight.status, 204);
      for (const { headers } of [preflight, await kero.post(BODY, { origin })]) {
        assert.deepEqual(
          [...headers.keys()].filter((name) => name.startsWith('access-control-')),
          [],
          origin,
        );
        assert.equal(headers.get('vary'), 'origin');
      }
    }
  });

  test('* lets everybody, and needs no Vary', async (t) => {
    const kero = await startTestReceiver(t, { settings: { CORS_ORIGINS: '*' } });
    const preflight = await kero.request('/api/v1/events', ask('https://any.example'));
    assert.equal(preflight.headers.get('access-control-allow-origin'), '*');
    assert.ok(preflight.headers.get('access-control-allow-headers'));
    const answer = await kero.post(BODY, { origin: 'https://any.example' });
    assert.equal(answer.headers.get('access-control-allow-origin'), '*');
    assert.equal(answer.headers.get('vary'), null);
  });

  test('neither a limit nor a stop of events keeps a preflight from its answer', async (t) => {
    const settings = { CORS_ORIGINS: '*', RATE_LIMIT_ADDRESS_REQUESTS: '1', RATE_LIMIT_ADDRESS_REQUESTS_BURST: '1' };
    const kero = await startTestReceiver(t, { settings, monotonicMs: () => 0 });
    for (let n = 0; n < 3; n++) assert.equal((await kero.request('/api/v1/events', ask(ORIGIN))).status, 204);
    assert.equal((await kero.post(BODY)).status, 202);
    const refused = await kero.post(BODY, { origin: ORIGIN });
    problemOf(refused, 429, 'rate_limited');
    assert.equal(refused.headers.get('access-control-allow-origin'), '*');
  });
});

test('CORS_ORIGINS takes what browsers send as Origin, and nothing that would never match', () => {
  const read = (value: string) =>
    readSettings({ receiver: receiverSettings }, { environment: { CORS_ORIGINS: value } });
  for (const good of ['*', 'https://a.example', 'http://localhost:3000,https://b.example', 'capacitor://localhost']) {
    assert.deepEqual(read(good).problems, [], good);
  }
  for (const bad of [
    'a.example',
    'https://a.example/',
    'https://a.example/path',
    'https://A.example',
    'https://a.example:443',
    'https://*.example',
    '*,https://a.example',
    'null',
    'https://user@a.example',
  ]) {
    assert.match(read(bad).problems.join(), /^CORS_ORIGINS: expected origins such as/, bad);
  }
});
