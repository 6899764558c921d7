import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createLogger, loadSettings } from '@kero/runtime';
import type { Verdict } from './auth.ts';
import { authSettings } from './auth-settings.ts';
import { changeKeyFile } from './keys/change-key-file.ts';
import { addKey } from './keys/edit-keys.ts';
import { describeAuth, openAuth } from './open-auth.ts';
import { IssuerUnderTest } from './tokens/issuer-under-test.ts';

/** A file with one key, an issuer, a key text and a token that are right. */
async function world(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'kero-auth-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'keys.json');
  const wanted = { sources: ['shop'], anySource: false, scopes: ['events:write'] } as const;
  const { text } = await changeKeyFile(file, (keys) => addKey(keys, wanted, Date.now()));
  const issuer = await IssuerUnderTest.start(t);
  const token = await issuer.token(await issuer.key('one'));
  const keysSettings = { API_KEYS_FILE: file };
  const tokensSettings = { AUTH_JWT_ISSUER: issuer.url, AUTH_JWT_AUDIENCE: 'kero' };
  let log = '';
  const destination = {
    write: (line: string) => {
      log += line;
    },
  };
  const logger = createLogger({ level: 'debug', format: 'json', name: 'test', destination });
  const clock = { elapsed: 100_000 };
  const open = async (environment: Record<string, string>) => {
    const { values } = loadSettings({ auth: authSettings }, { environment });
    const auth = await openAuth(values.auth, { logger, elapsed: () => clock.elapsed, pollMs: 5 });
    if (auth) t.after(() => auth[Symbol.dispose]());
    return auth;
  };
  return { file, text, issuer, token, keysSettings, tokensSettings, clock, log: () => log, open };
}

const reason = (verdict: Verdict) => (verdict.outcome === 'refused' ? verdict.reason : verdict.outcome);

const asBearer = (text: string) => ({ rawHeaders: ['authorization', `Bearer ${text}`] });

test('nothing is opened where nothing says who may send', async (t) => {
  const { open } = await world(t);
  for (const settings of [{}, { AUTH: 'none' }] as Record<string, string>[]) {
    const auth = await open(settings);
    assert.equal(auth, undefined);
    assert.match(describeAuth(auth), /everybody/);
  }
});

test('keys and tokens let in beside each other; what is not configured does not', async (t) => {
  const { text, token, keysSettings, tokensSettings, open } = await world(t);
  const ask = async (settings: Record<string, string>) => {
    const auth = await open(settings);
    assert.ok(auth);
    const answers = await Promise.all([text, token].map((it) => auth.authenticate(asBearer(it), 'events:write')));
    return { accepts: auth.accepts, answers: answers.map(reason) };
  };
  assert.deepEqual(await ask({ ...keysSettings, ...tokensSettings }), {
    accepts: { keys: true, tokens: true },
    answers: ['known', 'known'],
  });
  assert.deepEqual(await ask(keysSettings), {
    accepts: { keys: true, tokens: false },
    answers: ['known', 'malformed'],
  });
  assert.deepEqual(await ask(tokensSettings), {
    accepts: { keys: false, tokens: true },
    answers: ['malformed', 'known'],
  });
});

test('a key is decided about at once, without a promise', async (t) => {
  const { text, keysSettings, tokensSettings, open } = await world(t);
  const auth = await open({ ...keysSettings, ...tokensSettings });
  assert.ok(!(auth?.authenticate(asBearer(text), 'events:write') instanceof Promise));
});

test('refusals are counted by their reason, and admin may do everything', async (t) => {
  const { file, text, keysSettings, open } = await world(t);
  const wanted = { sources: ['ops'], anySource: false, scopes: ['admin'] } as const;
  const admin = await changeKeyFile(file, (keys) => addKey(keys, wanted, Date.now()));
  const auth = await open(keysSettings);
  assert.ok(auth);
  for (const scope of ['events:write', 'events:read', 'dead-letters:write', 'admin'] as const) {
    assert.equal(reason(await auth.authenticate(asBearer(admin.text), scope)), 'known');
    const expected = scope === 'events:write' ? 'known' : 'missing_scope';
    assert.equal(reason(await auth.authenticate(asBearer(text), scope)), expected);
  }
  await auth.authenticate({ rawHeaders: [] }, 'events:write');
  const counted = Object.entries(auth.refusals).filter(([, count]) => count > 0);
  assert.deepEqual(counted, [
    ['no_credentials', 1],
    ['missing_scope', 3],
  ]);
});

test('it is up as long as one of keys and tokens can be checked', async (t) => {
  const { file, text, issuer, token, keysSettings, tokensSettings, clock, log, open } = await world(t);
  const auth = await open({ ...keysSettings, ...tokensSettings, AUTH_JWT_JWKS_MAX_AGE: '1h' });
  assert.ok(auth);
  assert.equal(reason(await auth.authenticate(asBearer(token), 'events:write')), 'known');
  issuer.answer = (request) => request.socket.destroy();
  rmSync(file);
  const giveUp = performance.now() + 30_000;
  while (!log().includes('keys of before count')) {
    assert.ok(performance.now() < giveUp, 'it was noticed that the file is gone');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  clock.elapsed += 60_001;
  assert.equal(reason(await auth.authenticate(asBearer(text), 'events:write')), 'unavailable');
  assert.equal(reason(await auth.authenticate(asBearer(token), 'events:write')), 'known');
  assert.deepEqual(auth.health(), { up: true });
  clock.elapsed += 3_600_000;
  assert.equal(reason(await auth.authenticate(asBearer(token), 'events:write')), 'unavailable');
  const health = auth.health();
  assert.ok(!health.up && /API keys.*; /.test(health.reason), JSON.stringify(health));
});

test('a head that comes again is judged by what is known of it, as long as that can be', async (t) => {
  const { text, keysSettings, clock, open } = await world(t);
  const auth = await open(keysSettings);
  assert.ok(auth);
  const memory = {};
  const rawHeaders = ['authorization', `Bearer ${text}`];
  const first = await auth.authenticate({ rawHeaders, memory }, 'events:write');
  assert.equal(first.outcome, 'known');
  assert.deepEqual(memory, { known: first });
  const again = { rawHeaders: [], memory };
  assert.equal(await auth.authenticate(again, 'events:write'), first);
  const other = await auth.authenticate(again, 'admin');
  assert.equal(other.outcome === 'refused' && other.reason, 'missing_scope');
  const nobody = {};
  await auth.authenticate({ rawHeaders: ['authorization', `Bearer ${text}x`], memory: nobody }, 'events:write');
  assert.deepEqual(nobody, {}, 'what is refused is not remembered');
  clock.elapsed += 100 * 86_400_000;
  assert.equal((await auth.authenticate(again, 'events:write')).outcome, 'unavailable');
});
