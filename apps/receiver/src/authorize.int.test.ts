import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { describe, type TestContext, test } from 'node:test';
import { authSettings, changeKeyFile, openAuth, rotateKey } from '@kero/auth';
import { createLogger, loadSettings } from '@kero/runtime';
import { IssuerUnderTest } from '../../../packages/auth/src/tokens/issuer-under-test.ts';
import { authUnderTest } from './auth-under-test.ts';
import { EVENT, postHead, problemOf, rawConnection, startTestReceiver, untilTrue } from './receiver-under-test.ts';

const BODY = JSON.stringify(EVENT);
const UNKNOWN = `kero_${'a'.repeat(12)}_${'b'.repeat(40)}`;

const bearer = (text: string) => ({ authorization: `Bearer ${text}` });

async function untilStatus(post: () => Promise<{ readonly status: number }>, status: number): Promise<void> {
  const giveUp = performance.now() + 30_000;
  while ((await post()).status !== status) {
    if (performance.now() > giveUp) throw new Error(`waited in vain for ${status}`);
    // Too many refusals in a row would be answered with 429.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('a receiver with API keys', () => {
  test('takes events of who has one, for the source that it was made for', async (t) => {
    const { auth, create } = await authUnderTest(t);
    const { text } = await create({ sources: ['shop', 'pos'] });
    const gateway = await create({ sources: ['gate'], anySource: true, scopes: ['admin'] });
    const kero = await startTestReceiver(t, { auth });
    const send = (source: string | undefined, headers: Record<string, string>) =>
      kero.post(JSON.stringify({ ...EVENT, source }), headers);
    await untilStatus(() => send(undefined, bearer(text)), 202);
    assert.equal((await send('pos', { 'X-Api-Key': text })).status, 202);
    problemOf(await send('default', bearer(text)), 403, 'source_not_allowed');
    problemOf(await send('gate', bearer(text)), 403, 'source_not_allowed');
    assert.equal((await send(undefined, bearer(gateway.text))).status, 202);
    assert.equal((await send('anything', bearer(gateway.text))).status, 202);
    const sources = (await kero.records()).map(({ headers }) =>
      headers.find(([name]) => name === 'kero-source')?.[1].toString(),
    );
    assert.deepEqual(sources.sort(), ['anything', 'gate', 'pos', 'shop']);
  });

  test('gives the same answer to none, an unknown, a wrong, an expired and a revoked one', async (t) => {
    const { auth, create, revoke } = await authUnderTest(t);
    const live = await create();
    const expired = await create({ expiresAtMs: Date.now() - 1 });
    const revoked = await create();
    await revoke(revoked.id);
    const kero = await startTestReceiver(t, { auth });
    await untilStatus(() => kero.post(BODY, bearer(live.text)), 202);
    const wrong = live.text.replace(/.$/, live.text.endsWith('a') ? 'b' : 'a');
    const bodies = new Set<string>();
    for (const [text, reason] of [
      [UNKNOWN, 'unknown_key'],
      [wrong, 'wrong_secret'],
      [expired.text, 'expired'],
      [revoked.text, 'revoked'],
      ['nonsense', 'malformed'],
    ] as const) {
      for (const headers of [bearer(text), { 'x-api-key': text }]) {
        const answer = await kero.post(BODY, { ...headers, 'x-request-id': 'same' });
        problemOf(answer, 401, 'unauthorized');
        assert.equal(answer.headers.get('www-authenticate'), 'Bearer realm="kero", error="invalid_token"');
        bodies.add(answer.text);
        assert.equal(kero.logLines.at(-1)?.reason, reason);
      }
    }
    const none = await kero.post(BODY, { 'x-request-id': 'same' });
    assert.equal(none.headers.get('www-authenticate'), 'Bearer realm="kero"');
    bodies.add(none.text);
    assert.equal(bodies.size, 1, [...bodies].join());
    assert.equal(auth.refusals.revoked, 2);
    assert.equal(auth.refusals.no_credentials, 1);
    assert.equal((await kero.records()).length, 1);
  });

  test('refuses one that may do something else', async (t) => {
    const { auth, create } = await authUnderTest(t);
    const { text, id } = await create({ scopes: ['events:read', 'dead-letters:write'] });
    const kero = await startTestReceiver(t, { auth });
    await untilStatus(() => kero.post(BODY, bearer(text)), 403);
    const answer = await kero.post(BODY, bearer(text));
    assert.match(problemOf(answer, 403, 'missing_scope').detail, /events:write/);
    const challenge = 'Bearer realm="kero", error="insufficient_scope", scope="events:write"';
    assert.equal(answer.headers.get('www-authenticate'), challenge);
    assert.equal(kero.logLines.at(-1)?.clientId, `key:${id}`);
    assert.deepEqual(await kero.records(), []);
  });

  test('refuses one that comes twice, or in the URL, even where it is right', async (t) => {
    const { auth, create } = await authUnderTest(t);
    const { text } = await create();
    const kero = await startTestReceiver(t, { auth });
    await untilStatus(() => kero.post(BODY, bearer(text)), 202);
    const accepted = kero.receiver.counts.accepted;
    const length = `content-length: ${BODY.length}`;
    for (const headers of [
      [`authorization: Bearer ${text}`, `authorization: Bearer ${text}`],
      [`authorization: Bearer ${text}`, 'Authorization: Basic eDp5'],
      [`x-api-key: ${text}`, `X-API-KEY: ${text}`],
      [`x-api-key: ${text}`, `authorization: Bearer ${text}`],
    ]) {
      const connection = await rawConnection(t, kero.port);
      connection.send(`${postHead(...headers, length)}${BODY}`);
      const [answer] = await connection.until(/[\s\S]*\}\n/);
      assert.match(
        answer,
        /^HTTP\/1.1 400 .*\r\n(.*\r\n)*www-authenticate: Bearer realm="kero", error="invalid_request"/,
      );
      assert.match(answer, /urn:kero:problem:misplaced_credentials/);
    }
    const headers = { 'content-type': 'application/json', ...bearer(text) };
    for (const query of [`access_token=${text}`, `api_key=${text}`, `x=${text}`]) {
      const answer = await kero.request(`/api/v1/events?${query}`, { method: 'POST', headers, body: BODY });
      problemOf(answer, 400, 'misplaced_credentials');
    }
    assert.equal(kero.receiver.counts.accepted, accepted);
  });

  test('decides before a byte of the body is read, and before it is asked for', async (t) => {
    const { auth } = await authUnderTest(t);
    const kero = await startTestReceiver(t, { auth, settings: { RECEIVER_MAX_BODY: '10MiB' } });
    const connection = await rawConnection(t, kero.port);
    connection.send(postHead(`authorization: Bearer ${UNKNOWN}`, 'content-length: 10000000'));
    await connection.until(/^HTTP\/1.1 401 /);
    assert.equal(kero.receiver.counts.bytesInFlight, 0);

    const polite = await rawConnection(t, kero.port);
    polite.send(postHead('expect: 100-continue', 'content-length: 100000'));
    await polite.until(/^HTTP\/1.1 401 /);
    await polite.closed;
    assert.doesNotMatch(polite.received(), /100 Continue/i);

    const compressed = await kero.post(Buffer.from('not gzip'), { 'content-encoding': 'gzip' });
    problemOf(compressed, 401, 'unauthorized');
    problemOf(await kero.post('', { 'content-type': 'text/plain' }), 401, 'unauthorized');
  });

  test('leaves health and documents open', async (t) => {
    const { auth } = await authUnderTest(t);
    const kero = await startTestReceiver(t, { auth });
    for (const path of ['/health/live', '/health/ready', '/docs', '/api/v1/openapi.json']) {
      assert.equal((await kero.request(path)).status, 200, path);
    }
  });

  test('learns of new and revoked keys while it runs', async (t) => {
    const { auth, create, revoke } = await authUnderTest(t);
    const kero = await startTestReceiver(t, { auth });
    const { text, id } = await create();
    await untilStatus(() => kero.post(BODY, bearer(text)), 202);
    await revoke(id);
    await untilStatus(() => kero.post(BODY, bearer(text)), 401);
  });

  test('refuses nobody while a key is rotated under load: both work, then only the new one', async (t) => {
    const { auth, file, create } = await authUnderTest(t);
    const old = await create();
    const kero = await startTestReceiver(t, { auth });
    await untilStatus(() => kero.post(BODY, bearer(old.text)), 202);

    let sending = true;
    const statuses = new Map<number, number>();
    const ids = new Set<unknown>();
    const texts = [old.text];
    const client = async (n: number) => {
      for (let turn = n; sending; turn++) {
        const { status, json } = await kero.post(BODY, bearer(texts[turn % texts.length] ?? ''));
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        ids.add(json.id);
      }
    };
    const clients = Array.from({ length: 4 }, (_, n) => client(n));
    const rotated = await changeKeyFile(file, (keys) => rotateKey(keys, old.id, { overlapMs: 3_600_000 }, Date.now()));
    await untilStatus(() => kero.post(BODY, bearer(rotated.text)), 202);
    texts.push(rotated.text);
    const before = statuses.get(202) ?? 0;
    await untilTrue(() => (statuses.get(202) ?? 0) > before + 20);
    sending = false;
    await Promise.all(clients);
    assert.deepEqual([...statuses.keys()], [202]);
    assert.equal(ids.size, 1, 'the same event has the same id, whichever key sent it');
  });

  test('while keys come and go under load, a 202 is in the log and a refused event is not', async (t) => {
    const { auth, create, revoke } = await authUnderTest(t);
    const settings = { RATE_LIMIT_FAILED_AUTH: '0' };
    const kero = await startTestReceiver(t, { auth, settings });
    const texts = [UNKNOWN];
    const outcomes = new Map<string, number>();
    let sending = true;
    const client = async (name: string) => {
      for (let n = 0; sending; n++) {
        const id = `${name}-${n}`;
        const text = texts[Math.floor(Math.random() * texts.length)] ?? '';
        outcomes.set(id, (await kero.post(JSON.stringify({ ...EVENT, event_id: id }), bearer(text))).status);
      }
    };
    const clients = ['a', 'b', 'c', 'd'].map(client);
    for (let round = 0; round < 10; round++) {
      const { text, id } = await create();
      texts.push(text);
      await untilStatus(() => kero.post(BODY, bearer(text)), 202);
      if (round % 2 === 0) await revoke(id);
    }
    sending = false;
    await Promise.all(clients);
    assert.deepEqual([...new Set(outcomes.values())].sort(), [202, 401]);
    const logged = new Set((await kero.records()).map(({ value }) => JSON.parse(String(value)).event_id));
    for (const [id, status] of outcomes) assert.equal(logged.has(id), status === 202, `${id} ${status}`);
  });

  test('lets nobody in when its keys have not been readable for too long, and goes on when they are', async (t) => {
    const clock = { elapsed: 0 };
    const { auth, file, create, log } = await authUnderTest(t, { elapsed: () => clock.elapsed });
    const { text } = await create();
    const kero = await startTestReceiver(t, { auth });
    await untilStatus(() => kero.post(BODY, bearer(text)), 202);
    writeFileSync(file, 'broken');
    await untilTrue(() => log().includes('keys of before count'));
    assert.equal((await kero.post(BODY, bearer(text))).status, 202);
    clock.elapsed += 60_001;
    for (const key of [text, UNKNOWN]) {
      const answer = await kero.post(BODY, bearer(key));
      problemOf(answer, 503, 'auth_unavailable');
      assert.equal(answer.headers.get('retry-after'), '5');
    }
    problemOf(await kero.post(BODY), 401, 'unauthorized');
    assert.equal((await kero.request('/health/ready')).status, 503);
    assert.equal(kero.health.report().parts.auth?.up, false);
    rmSync(file);
    const next = await create();
    await untilStatus(() => kero.post(BODY, bearer(next.text)), 202);
    assert.equal((await kero.request('/health/ready')).status, 200);
  });
});

describe('a receiver that believes an issuer', () => {
  async function setUp(t: TestContext) {
    const issuer = await IssuerUnderTest.start(t);
    const key = await issuer.key('one');
    let log = '';
    const destination = {
      write: (line: string) => {
        log += line;
      },
    };
    const environment = { AUTH_JWT_ISSUER: issuer.url, AUTH_JWT_AUDIENCE: 'kero' };
    const { values } = loadSettings({ auth: authSettings }, { environment });
    const logger = createLogger({ level: 'debug', format: 'json', name: 'test', destination });
    const clock = { elapsed: 100_000 };
    const auth = await openAuth(values.auth, { logger, elapsed: () => clock.elapsed });
    t.after(() => auth?.[Symbol.dispose]());
    return { issuer, key, auth, clock, log: () => log, kero: await startTestReceiver(t, { auth }) };
  }

  test('takes events with its tokens; a new token of the same client changes no identity', async (t) => {
    const { issuer, key, kero } = await setUp(t);
    const first = await kero.post(BODY, bearer(await issuer.token(key)));
    const exp = Math.floor(Date.now() / 1000) + 6000;
    const second = await kero.post(BODY, bearer(await issuer.token(key, { exp, jti: 'another' })));
    assert.equal(first.status, 202);
    assert.equal(second.status, 202);
    assert.equal(first.json.id, second.json.id);
    const foreign = JSON.stringify({ ...EVENT, source: 'shop' });
    problemOf(await kero.post(foreign, bearer(await issuer.token(key))), 403, 'source_not_allowed');
    const [record] = await kero.records();
    assert.equal(record?.headers.find(([name]) => name === 'kero-source')?.[1].toString(), 'client-7');
  });

  test('refuses what is not right, and with 503 what nobody can check', async (t) => {
    const { issuer, key, clock, kero } = await setUp(t);
    const expired = await kero.post(BODY, bearer(await issuer.token(key, { exp: 1 })));
    problemOf(expired, 401, 'unauthorized');
    assert.equal(expired.headers.get('www-authenticate'), 'Bearer realm="kero", error="invalid_token"');
    problemOf(await kero.post(BODY, bearer(await issuer.token(key, { scope: 'openid' }))), 403, 'missing_scope');
    assert.equal(kero.logLines.at(-1)?.clientId, 'jwt:client-7');
    problemOf(await kero.post(BODY, { 'x-api-key': await issuer.token(key) }), 401, 'unauthorized');
    const later = await issuer.token(await issuer.key('two', { published: false }));
    issuer.answer = (request) => request.socket.destroy();
    clock.elapsed += 5000;
    problemOf(await kero.post(BODY, bearer(later)), 503, 'auth_unavailable');
    assert.deepEqual(await kero.records(), []);
  });
});

test('no key and no token stands in a log line, an answer or a record', async (t) => {
  const { auth, create, revoke, log } = await authUnderTest(t);
  const issuer = await IssuerUnderTest.start(t);
  const token = await issuer.token(await issuer.key('one'));
  const live = await create();
  const revoked = await create();
  await revoke(revoked.id);
  const kero = await startTestReceiver(t, { auth });
  const answers: string[] = [];
  const send = async (path: string, headers: Record<string, string>, body: string | undefined = BODY) => {
    const answer = await kero.request(path, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', ...headers },
    });
    answers.push(answer.text, JSON.stringify([...answer.headers]));
    return answer;
  };
  await untilStatus(() => send('/api/v1/events', bearer(live.text)), 202);
  const secrets = [live.text, revoked.text, UNKNOWN, `${live.text}x`, token];
  for (const secret of secrets) {
    await send('/api/v1/events', bearer(secret));
    await send('/api/v1/events', { 'x-api-key': secret });
    await send(`/api/v1/events?api_key=${secret}`, {});
    await send(`/api/v1/${secret}`, bearer(secret));
    await send('/api/v1/events', { authorization: `Basic ${secret}` });
    await send('/api/v1/events', bearer(secret), '{"user_id":1}');
    await send('/api/v1/events', { ...bearer(secret), 'x-request-id': `${secret}~` });
    await kero.request('/api/v1/events', { method: 'PUT', headers: bearer(secret) });
  }
  const connection = await rawConnection(t, kero.port);
  connection.send(`POST /api/v1/events HTTP/1.1\r\nauthorization: Bearer ${live.text}\r\nbad header\r\n\r\n`);
  await connection.closed;
  answers.push(connection.received());
  const records = (await kero.records()).flatMap(({ key, value, headers }) => [
    String(key),
    String(value),
    ...headers.map(([name, content]) => `${name}: ${content}`),
  ]);
  assert.ok(records.length > 0);
  const lines = kero.logLines.map((line) => JSON.stringify(line));
  assert.ok(
    lines.some((line) => line.includes(`key:${live.id}`)),
    'the id of a key may stand there, and does',
  );
  const everything = [log(), ...lines, ...answers, ...records].join('\n');
  for (const secret of [...secrets.slice(0, 4).map((text) => text.slice(18, 50)), token.split('.')[2] ?? '']) {
    assert.ok(secret.length > 30 && !everything.includes(secret));
  }
});
