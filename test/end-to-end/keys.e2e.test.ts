import assert from 'node:assert/strict';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { EmbeddedKero } from '../support/embedded-kero.ts';
import { runKero, startKero, throwawayFolder } from '../support/kero-process.ts';
import { eventBody, post } from '../support/post-events.ts';
import { waitUntil } from '../support/wait-until.ts';

const KEY = /kero_([a-z2-7]{12})_([a-z2-7]{40})/;
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

describe('kero keys', { timeout: 300_000 }, () => {
  test('create, post, rotate, revoke, on a Kero that runs all the time', async (t) => {
    const folder = throwawayFolder(t);
    const kero = new EmbeddedKero(t, folder);
    const file = join(folder, 'api-keys.json');
    const created = await kero.run('keys', 'create', '--source', 'shop', '--name', 'first');
    assert.equal(created.code, 0, created.output);
    const [key = '', id = '', secret = ''] = KEY.exec(created.output) ?? [];
    assert.match(created.output, new RegExp(`API_KEYS_FILE=${file}`));
    assert.ok(!readFileSync(file, 'utf8').includes(secret));

    Object.assign(kero.environment, { API_KEYS_FILE: file, LOG_LEVEL: 'debug' });
    const running = await kero.start();
    await running.printed(/authentication: API keys of \S+ \(1 can be used\)/);
    assert.match(running.output(), /curl .*-H "authorization: Bearer \$KERO_KEY"/);
    assert.equal((await post(kero.url, eventBody('none'))).status, 401);
    assert.equal((await post(kero.url, eventBody('one'), bearer(key))).status, 202);
    assert.equal((await post(kero.url, eventBody('two'), { 'x-api-key': key })).status, 202);

    const rotated = await kero.run('keys', 'rotate', id, '--overlap', '1h', '--quiet');
    const [second = '', secondId = ''] = KEY.exec(rotated.output) ?? [];
    assert.equal(rotated.output, `${second}\n`);
    await waitUntil(async () => (await post(kero.url, eventBody('three'), bearer(second))).status === 202);
    assert.equal((await post(kero.url, eventBody('three'), bearer(key))).status, 202);

    const revoked = await kero.run('keys', 'revoke', id);
    assert.equal(revoked.code, 0, revoked.output);
    const began = performance.now();
    await waitUntil(async () => (await post(kero.url, eventBody('one'), bearer(key))).status === 401);
    // Five seconds are promised; a machine that is this slow may take longer for a hundred requests.
    t.diagnostic(`revoked after ${Math.round(performance.now() - began)} ms`);
    assert.equal((await post(kero.url, eventBody('four'), bearer(second))).status, 202);

    const sent = await runKero(t, ['send', '--url', kero.url, '--event-id', 'five'], { KERO_KEY: second });
    assert.match(sent.output, /answered {2}202 /);
    assert.equal((await kero.run('send', '--url', kero.url)).code, 1);

    const listed = await kero.run('keys', 'list');
    assert.match(listed.output, new RegExp(`${id} +first +shop .* revoked `));
    assert.match(listed.output, new RegExp(`${secondId} +first +shop .* live`));

    await waitUntil(async () => (await kero.count('events')) === 5);
    assert.deepEqual(await kero.sql('select distinct source from events'), [['shop']]);
    await kero.stop();
    assert.ok(!running.output().includes(secret), 'no key in the log');
    assert.ok(!running.output().includes(second.slice(18)), 'no key in the log');
    assert.match(running.output(), new RegExp(`"clientId":"key:${id}"|clientId: "key:${id}"`));
  });

  test('several at the same time lose no key', async (t) => {
    const file = join(throwawayFolder(t), 'keys.json');
    const ended = await Promise.all(
      Array.from({ length: 4 }, (_, n) =>
        runKero(t, ['keys', 'create', '--source', `s${n}`, '--quiet'], { API_KEYS_FILE: file }),
      ),
    );
    for (const { code, output } of ended) assert.equal(code, 0, output);
    const made = ended.map(({ output }) => KEY.exec(output)?.[1] ?? '').sort();
    const { keys } = JSON.parse(readFileSync(file, 'utf8')) as { keys: { id: string }[] };
    assert.deepEqual(keys.map((key) => key.id).sort(), made);
  });

  test('no start with a file that is missing or broken, nor with settings that contradict each other', async (t) => {
    const folder = throwawayFolder(t);
    const start = (settings: Record<string, string>) =>
      startKero(t, ['start'], { KERO_DATA_DIR: folder, RECEIVER_PORT: '0', ADMIN_PORT: '0', ...settings }).ended;
    const file = join(folder, 'keys.json');
    const missing = await start({ API_KEYS_FILE: file });
    assert.equal(missing.code, 1);
    assert.match(missing.output, /ENOENT[\s\S]*kero keys create/);
    writeFileSync(file, '{"version":1,"keys":[{"id":"x"}]}');
    chmodSync(file, 0o600);
    const broken = await start({ API_KEYS_FILE: file });
    assert.equal(broken.code, 1);
    assert.match(broken.output, /keys\[0\]\.id is not 12 /);
    const settings = await start({
      API_KEYS_FILE: file,
      AUTH: 'none',
      AUTH_JWT_ISSUER: 'http://idp.example',
      RECEIVER_HOST: '::',
    });
    assert.equal(settings.code, 1);
    assert.match(settings.output, /AUTH_JWT_ISSUER: expected a URL that begins with https/);
    const contradiction = await start({ API_KEYS_FILE: file, AUTH: 'none' });
    assert.match(contradiction.output, /AUTH: none lets everybody in, and API_KEYS_FILE says who may/);
    for (const { output } of [missing, broken, settings, contradiction])
      assert.doesNotMatch(output, /PostgreSQL is|POST http/);
  });
});
