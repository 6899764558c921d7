import assert from 'node:assert/strict';
import { test } from 'node:test';
import { authSettings } from '@kero/auth';
import { readSettings } from '@kero/runtime';
import { isClearText, receiverSettings } from './receiver-settings.ts';

function problems(environment: Record<string, string>): readonly string[] {
  return readSettings({ receiver: receiverSettings, auth: authSettings }, { environment }).problems;
}

test('nothing has to be set', () => {
  const { values, problems } = readSettings({ receiver: receiverSettings }, { environment: {} });
  assert.deepEqual(problems, []);
  assert.equal(values.receiver.host, '127.0.0.1');
  assert.equal(values.receiver.port, 8000);
  assert.equal(values.receiver.deadlineMs, 10_000);
  assert.equal(values.receiver.maxBodyBytes, 1024 ** 2);
});

test('without authentication only loopback may be listened on', () => {
  for (const host of ['127.0.0.1', '127.8.8.8', '::1', 'localhost']) {
    assert.deepEqual(problems({ RECEIVER_HOST: host }), [], host);
  }
  for (const host of ['0.0.0.0', '::', '192.168.1.4', 'example.org', '127.0.0.1.example.org']) {
    assert.match(problems({ RECEIVER_HOST: host }).join(), /RECEIVER_HOST.*AUTH=none/, host);
    assert.deepEqual(problems({ RECEIVER_HOST: host, AUTH: 'none' }), [], host);
  }
});

test('with keys or an issuer any address may be listened on', () => {
  const host = { RECEIVER_HOST: '0.0.0.0' };
  assert.deepEqual(problems({ ...host, API_KEYS_FILE: '/keys.json' }), []);
  assert.deepEqual(problems({ ...host, AUTH_JWT_ISSUER: 'https://a.example', AUTH_JWT_AUDIENCE: 'kero' }), []);
  assert.match(problems({ ...host, AUTH_JWT_ISSUER: 'https://a.example' }).join(), /^AUTH_JWT_AUDIENCE: is required/);
});

test('keys in clear text are those that come over a network without TLS and without a known proxy', () => {
  const clear = (environment: Record<string, string>) =>
    isClearText(readSettings({ receiver: receiverSettings, auth: authSettings }, { environment }).values.receiver);
  const host = { RECEIVER_HOST: '0.0.0.0', API_KEYS_FILE: '/keys.json' };
  assert.equal(clear({}), false);
  assert.equal(clear(host), true);
  assert.equal(clear({ ...host, TRUSTED_PROXIES: '10.0.0.1' }), false);
  assert.equal(clear({ ...host, RECEIVER_TLS_CERT_FILE: '/crt', RECEIVER_TLS_KEY_FILE: '/key' }), false);
});

test('a process that does not read who may send does not listen for others', () => {
  const { problems } = readSettings(
    { receiver: receiverSettings },
    { environment: { RECEIVER_HOST: '::', AUTH: 'none' } },
  );
  assert.match(problems.join(), /^RECEIVER_HOST/);
});

test('settings that contradict each other are refused', () => {
  assert.match(
    problems({ RECEIVER_MAX_BODY: '2MiB', RECEIVER_MAX_IN_FLIGHT: '1MiB' }).join(),
    /RECEIVER_MAX_IN_FLIGHT/,
  );
  assert.deepEqual(problems({ RECEIVER_MAX_IN_FLIGHT: '11MiB' }), []);
  assert.match(
    problems({ RECEIVER_MAX_DECOMPRESSED: '11MiB', RECEIVER_MAX_IN_FLIGHT: '11MiB' }).join(),
    /^RECEIVER_MAX_IN_FLIGHT.*RECEIVER_MAX_DECOMPRESSED/,
  );
  assert.match(problems({ RECEIVER_BODY_TIMEOUT: '5s' }).join(), /RECEIVER_BODY_TIMEOUT/);
  assert.match(problems({ RECEIVER_MAX_URL: '1024', RECEIVER_MAX_HEADER_BYTES: '1024' }).join(), /RECEIVER_MAX_URL/);
  assert.match(problems({ RECEIVER_TLS_CERT_FILE: 'a' }).join(), /^RECEIVER_TLS_KEY_FILE: .*set both, or none/);
  assert.match(problems({ RECEIVER_TLS_KEY_FILE: 'a' }).join(), /^RECEIVER_TLS_CERT_FILE: .*set both, or none/);
});
