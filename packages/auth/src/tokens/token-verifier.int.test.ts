import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, type TestContext, test } from 'node:test';
import { createLogger, loadSettings } from '@kero/runtime';
import { exportSPKI, type JWTPayload } from 'jose';
import { authSettings } from '../auth-settings.ts';
import { openAuth } from '../open-auth.ts';
import { IssuerUnderTest } from './issuer-under-test.ts';

interface SetUpOptions {
  readonly settings?: Readonly<Record<string, string>>;
  readonly alg?: string;
  /** Before the keys are fetched for the first time. */
  readonly prepare?: (issuer: IssuerUnderTest) => void;
}

/** Kero in front of an issuer that has published one key. */
async function setUp(t: TestContext, { settings = {}, alg = 'ES256', prepare }: SetUpOptions = {}) {
  const issuer = await IssuerUnderTest.start(t);
  const key = await issuer.key('one', { alg });
  prepare?.(issuer);
  let log = '';
  const destination = {
    write: (line: string) => {
      log += line;
    },
  };
  const environment = { AUTH_JWT_ISSUER: issuer.url, AUTH_JWT_AUDIENCE: 'kero,other', ...settings };
  const { values } = loadSettings({ auth: authSettings }, { environment });
  const clock = { now: Date.now(), elapsed: 100_000 };
  const auth = await openAuth(values.auth, {
    logger: createLogger({ level: 'debug', format: 'json', name: 'test', destination }),
    now: () => clock.now,
    elapsed: () => clock.elapsed,
  });
  assert.ok(auth);
  t.after(() => auth[Symbol.dispose]());
  const verify = async (token: string) =>
    auth.authenticate({ rawHeaders: ['authorization', `Bearer ${token}`] }, 'events:write');
  const outcome = async (token: string) => {
    const verdict = await verify(token);
    return verdict.outcome === 'refused' ? verdict.reason : verdict.outcome;
  };
  return { issuer, key, auth, clock, log: () => log, verify, outcome };
}

const seconds = () => Math.floor(Date.now() / 1000);

describe('a token that is right', () => {
  for (const alg of ['RS256', 'PS384', 'ES256', 'ES512', 'EdDSA']) {
    test(`is known by its subject, with ${alg}`, async (t) => {
      const { issuer, key, verify } = await setUp(t, { alg });
      const verdict = await verify(await issuer.token(key));
      assert.deepEqual(verdict, {
        outcome: 'known',
        identity: {
          id: 'jwt:client-7',
          defaultSource: 'client-7',
          sources: new Set(['client-7']),
          scopes: new Set(['events:write']),
        },
      });
    });
  }

  test('may have its scope in either claim, as text or list, among others', async (t) => {
    const { issuer, key, outcome } = await setUp(t);
    const known: JWTPayload[] = [
      { scope: 'openid events:write profile' },
      { scope: undefined, scp: ['events:write'] },
      { scope: 'openid', scp: 'x events:write' },
      { scope: 'admin' },
    ];
    for (const claims of known)
      assert.equal(await outcome(await issuer.token(key, claims)), 'known', JSON.stringify(claims));
    const refused: JWTPayload[] = [
      { scope: undefined },
      { scope: 'events:read' },
      { scope: 'events:writer' },
      { scope: 'events:write,events:read' },
      { scope: 1 },
      { scope: { 'events:write': true } },
    ];
    for (const claims of refused) {
      assert.equal(await outcome(await issuer.token(key, claims)), 'missing_scope', JSON.stringify(claims));
    }
  });

  test('names its sources in the claim that is set', async (t) => {
    const { issuer, key, verify, outcome } = await setUp(t, { settings: { AUTH_JWT_SOURCE_CLAIM: 'azp' } });
    const identity = async (azp: unknown) => {
      const verdict = await verify(await issuer.token(key, { azp }));
      return verdict.outcome === 'known' ? [verdict.identity.defaultSource, verdict.identity.sources] : verdict;
    };
    assert.deepEqual(await identity('shop'), ['shop', new Set(['shop'])]);
    assert.deepEqual(await identity(['pos', 'shop']), ['pos', new Set(['pos', 'shop'])]);
    for (const azp of [undefined, '', [], ['a', 7], 7, null, { a: 1 }, 'a'.repeat(257)]) {
      assert.equal(await outcome(await issuer.token(key, { azp })), 'invalid_token', JSON.stringify(azp));
    }
  });

  test('may have one of several audiences, and clocks that differ a little', async (t) => {
    const { issuer, key, outcome } = await setUp(t);
    assert.equal(await outcome(await issuer.token(key, { aud: ['else', 'other'] })), 'known');
    assert.equal(await outcome(await issuer.token(key, { exp: seconds() - 20 })), 'known');
    assert.equal(await outcome(await issuer.token(key, { nbf: seconds() + 20 })), 'known');
  });
});

describe('a token that is not right', () => {
  test('is refused for what its claims say, or do not say', async (t) => {
    const { issuer, key, outcome } = await setUp(t);
    const refused: [JWTPayload, string][] = [
      [{ iss: 'https://else.example/' }, 'invalid_token'],
      [{ iss: issuer.url.slice(0, -1) }, 'invalid_token'],
      [{ iss: undefined }, 'invalid_token'],
      [{ aud: 'else' }, 'invalid_token'],
      [{ aud: undefined }, 'invalid_token'],
      [{ exp: undefined }, 'invalid_token'],
      [{ exp: seconds() - 60 }, 'expired'],
      [{ nbf: seconds() + 60 }, 'invalid_token'],
      [{ sub: undefined }, 'invalid_token'],
      [{ sub: '' }, 'invalid_token'],
      [{ sub: 's'.repeat(257) }, 'invalid_token'],
    ];
    for (const [claims, reason] of refused) {
      assert.equal(await outcome(await issuer.token(key, claims)), reason, JSON.stringify(claims));
    }
  });

  test('is refused without a signature, and with one that everybody could make', async (t) => {
    const { issuer, key, outcome } = await setUp(t, { alg: 'RS256' });
    const [, payload = ''] = (await issuer.token(key)).split('.');
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    for (const alg of ['none', 'None', 'NONE', '']) {
      assert.equal(
        await outcome(`${encode({ alg, kid: 'one' })}.${payload}.`),
        alg === '' ? 'invalid_token' : 'invalid_token',
        alg,
      );
    }
    // Signed with the public key as the secret, as if the issuer had chosen HS256.
    const { subtle } = globalThis.crypto;
    const publicKey = await subtle.importKey('jwk', key.jwk, { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, true, [
      'verify',
    ]);
    for (const secret of [await exportSPKI(publicKey), JSON.stringify(key.jwk), key.jwk.n ?? '']) {
      const signed = `${encode({ alg: 'HS256', kid: 'one' })}.${payload}`;
      const signature = createHmac('sha256', secret).update(signed).digest('base64url');
      assert.equal(await outcome(`${signed}.${signature}`), 'invalid_token');
    }
  });

  test('is refused when a letter of it was changed, or another key signed it', async (t) => {
    const { issuer, key, outcome } = await setUp(t);
    const token = await issuer.token(key);
    const [header, payload = '', signature = ''] = token.split('.');
    const swap = (text: string) => (text.startsWith('A') ? `B${text.slice(1)}` : `A${text.slice(1)}`);
    assert.equal(await outcome(`${header}.${payload}.${swap(signature)}`), 'invalid_token');
    assert.equal(
      await outcome(`${header}.${Buffer.from('{"exp":9999999999}').toString('base64url')}.${signature}`),
      'invalid_token',
    );
    const other = await issuer.key('one', { published: false });
    assert.equal(await outcome(await issuer.token(other)), 'invalid_token');
  });

  test('is refused when its header wants what is not offered', async (t) => {
    const { issuer, key, outcome } = await setUp(t);
    const attacker = await issuer.key('x', { published: false });
    assert.equal(
      await outcome(await issuer.token(attacker, {}, { jwk: attacker.jwk, kid: undefined })),
      'invalid_token',
    );
    assert.equal(
      await outcome(await issuer.token(attacker, {}, { jku: `${issuer.url}else`, kid: 'one' })),
      'invalid_token',
    );
    assert.equal(issuer.asked['/else'], undefined);
    assert.equal(await outcome(await issuer.token(key, {}, { kid: '../../etc/passwd' })), 'invalid_token');
  });

  test('is refused when it is no token at all', async (t) => {
    const { outcome } = await setUp(t);
    for (const text of ['a', 'a.b', 'a.b.c', '..', 'e30.e30.e30', 'a.b.c.d.e']) {
      assert.equal(await outcome(text), 'invalid_token', text);
    }
    assert.equal(await outcome('a'.repeat(9000)), 'malformed');
  });
});

describe('the keys of an issuer', () => {
  test('are found by its OpenID configuration, or where the setting says', async (t) => {
    const found = await setUp(t);
    assert.equal(await found.outcome(await found.issuer.token(found.key)), 'known');
    assert.ok(found.issuer.asked['/.well-known/openid-configuration']);

    const issuer = await IssuerUnderTest.start(t);
    const key = await issuer.key('other');
    const told = await setUp(t, { settings: { AUTH_JWT_ISSUER: issuer.url, AUTH_JWT_JWKS_URL: issuer.jwksUrl } });
    assert.equal(await told.outcome(await issuer.token(key)), 'known');
    assert.equal(issuer.asked['/.well-known/openid-configuration'], undefined);
  });

  test('are fetched once for many tokens, and again for a key that is new', async (t) => {
    const { issuer, key, clock, outcome } = await setUp(t);
    const token = await issuer.token(key);
    for (let n = 0; n < 20; n++) assert.equal(await outcome(token), 'known');
    const before = issuer.asked['/jwks'] ?? 0;
    assert.ok(before <= 2);

    const rotated = await issuer.key('two');
    clock.elapsed += 5000;
    assert.equal(await outcome(await issuer.token(rotated)), 'known');
    assert.equal(await outcome(token), 'known');
    assert.equal(issuer.asked['/jwks'], before + 1);
  });

  test('are not fetched for each token that names a key nobody has', async (t) => {
    const { issuer, clock, outcome } = await setUp(t);
    const unknown = await issuer.token(await issuer.key('nobody', { published: false }));
    assert.equal(await outcome(unknown), 'invalid_token');
    const before = issuer.asked['/jwks'] ?? 0;
    for (let n = 0; n < 50; n++) assert.equal(await outcome(unknown), 'invalid_token');
    assert.equal(issuer.asked['/jwks'], before);
    clock.elapsed += 5000;
    await Promise.all(Array.from({ length: 50 }, () => outcome(unknown)));
    assert.equal(issuer.asked['/jwks'], before + 1);
  });

  test('of before count while the issuer does not answer, but not for ever, and nobody is let in unchecked', async (t) => {
    const { issuer, key, auth, clock, outcome, log } = await setUp(t, { settings: { AUTH_JWT_JWKS_MAX_AGE: '1h' } });
    const claims = { exp: seconds() + 999_999 };
    const token = await issuer.token(key, claims);
    assert.equal(await outcome(token), 'known');
    issuer.answer = (_request, response) => response.writeHead(500).end();
    clock.elapsed += 3_600_000;
    assert.equal(await outcome(token), 'known');
    // It may be a key that was made since.
    const later = await issuer.token(await issuer.key('two'), claims);
    assert.equal(await outcome(later), 'unavailable');
    assert.match(log(), /cannot be fetched: .*answered 500; those of before count meanwhile/);
    assert.equal(auth.health().up, true);

    clock.elapsed += 1;
    assert.equal(await outcome(token), 'unavailable');
    assert.equal(auth.health().up, false);
    assert.equal(auth.refusals.unavailable, 2);

    issuer.answer = undefined;
    clock.elapsed += 5000;
    assert.equal(await outcome(token), 'known');
    assert.equal(await outcome(later), 'known');
    assert.match(log(), /can be fetched again/);
  });

  test('that never came let nobody in, and an issuer that is away is no reason not to start', async (t) => {
    const prepare = (starting: IssuerUnderTest) => {
      starting.answer = (request) => request.socket.destroy();
    };
    const { issuer, key, auth, clock, outcome } = await setUp(t, { prepare });
    const token = await issuer.token(key);
    assert.equal(await outcome(token), 'unavailable');
    assert.equal(auth.health().up, false);
    issuer.answer = undefined;
    clock.elapsed += 5000;
    assert.equal(await outcome(token), 'known');
  });

  const wrong: [what: string, prepare: (issuer: IssuerUnderTest) => void][] = [
    [
      'are not followed to another place',
      (issuer) => {
        issuer.moved = true;
      },
    ],
    [
      'are not taken from what is not JSON',
      (issuer) => {
        issuer.answer = (_, response) => response.end('<html>');
      },
    ],
    [
      'are not taken from a configuration that is too large',
      (issuer) => {
        issuer.configuration = { more: 'a'.repeat(1024 ** 2) };
      },
    ],
    [
      'are not taken from a configuration of another issuer',
      (issuer) => {
        issuer.configuration = { issuer: 'https://else.example/' };
      },
    ],
    [
      'are not fetched without TLS from what is not this machine by its name',
      (issuer) => {
        issuer.configuration = { jwks_uri: issuer.jwksUrl.replace('127.0.0.1', '0.0.0.0') };
      },
    ],
    [
      'are not read from a file',
      (issuer) => {
        issuer.configuration = { jwks_uri: 'file:///etc/jwks.json' };
      },
    ],
  ];
  for (const [what, prepare] of wrong) {
    test(what, async (t) => {
      const { issuer, key, outcome } = await setUp(t, { prepare });
      assert.equal(await outcome(await issuer.token(key)), 'unavailable');
      assert.ok(issuer.asked['/.well-known/openid-configuration'], 'it was asked');
    });
  }

  test('that the issuer took away are not accepted after the next look', async (t) => {
    const { issuer, key, clock, outcome } = await setUp(t);
    const token = await issuer.token(key);
    assert.equal(await outcome(token), 'known');
    issuer.withdraw(key);
    await issuer.key('two');
    clock.elapsed += 5000;
    // Any look: that of the timer, or, as here, for the sake of another token.
    await outcome(await issuer.token(await issuer.key('three', { published: false })));
    assert.equal(await outcome(token), 'invalid_token');
  });
});

test('no token stands in a log line', async (t) => {
  const { issuer, key, outcome, log } = await setUp(t);
  const token = await issuer.token(key, { exp: seconds() - 60 });
  await outcome(token);
  await outcome(token.slice(0, -3));
  issuer.answer = (_request, response) => response.writeHead(500).end();
  await outcome(await issuer.token(await issuer.key('l')));
  assert.doesNotMatch(log(), /eyJ/);
});
