import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSettings } from '@kero/runtime';
import { receiverSettings } from './receiver-settings.ts';

function problems(environment: Record<string, string>): readonly string[] {
  return readSettings({ receiver: receiverSettings }, { environment }).problems;
}

test('nothing has to be set', () => {
  const { values, problems } = readSettings({ receiver: receiverSettings }, { environment: {} });
  assert.deepEqual(problems, []);
  assert.equal(values.receiver.host, '127.0.0.1');
  assert.equal(values.receiver.port, 8000);
  assert.equal(values.receiver.deadlineMs, 10_000);
  assert.equal(values.receiver.maxBodyBytes, 1024 ** 2);
  assert.equal(values.receiver.auth, undefined);
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

test('AUTH knows only none', () => {
  assert.match(problems({ AUTH: 'off' }).join(), /^AUTH: expected one of: none/);
});

test('settings that contradict each other are refused', () => {
  assert.match(
    problems({ RECEIVER_MAX_BODY: '2MiB', RECEIVER_MAX_IN_FLIGHT: '1MiB' }).join(),
    /RECEIVER_MAX_IN_FLIGHT/,
  );
  assert.match(problems({ RECEIVER_BODY_TIMEOUT: '5s' }).join(), /RECEIVER_BODY_TIMEOUT/);
});
