import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readSettings } from '@kero/runtime';
import type { Client } from '../authorize.ts';
import type { Exchange } from '../exchange.ts';
import { type HttpProblemCode, httpProblems, type Refusal } from '../http-problems.ts';
import { rateLimitSettings } from './rate-limit-settings.ts';
import { createRateLimits } from './rate-limits.ts';

const [code401] = Object.entries(httpProblems).find(([, { status }]) => (status as number) === 401) ?? [];
const UNAUTHORIZED = { code: code401 as HttpProblemCode, detail: '' };

const clientOf = (id: string | undefined): Client => ({ id, defaultSource: 'default', sources: undefined });

function setUp(environment: Record<string, string>) {
  const { values, problems } = readSettings({ rateLimits: rateLimitSettings }, { environment });
  assert.deepEqual(problems, []);
  const clock = { ms: 1000 };
  const admission = createRateLimits(values.rateLimits, () => clock.ms);
  const from = (address: string) => ({ address, headers: [] as string[] }) as unknown as Exchange;
  /** One request from its arrival to its body: why it is refused, or undefined. */
  const send = (address: string, id?: string, bytes = 0): Refusal | undefined => {
    const exchange = from(address);
    const refusal = admission.arrive(exchange) ?? admission.identified(exchange, clientOf(id));
    if (!refusal) admission.received(exchange, clientOf(id), bytes);
    return refusal;
  };
  return { admission, clock, from, send };
}

describe('rate limits', () => {
  test('are off unless they are set', () => {
    const { send, from, admission } = setUp({});
    for (let n = 0; n < 100_000; n++) assert.equal(send('10.0.0.1', 'key', 1_000_000), undefined);
    const exchange = from('10.0.0.1');
    admission.arrive(exchange);
    assert.deepEqual(exchange.headers, []);
  });

  test('of an address let the burst through, then the rate, and say how long to wait', () => {
    const { send, clock } = setUp({ RATE_LIMIT_ADDRESS_REQUESTS: '2', RATE_LIMIT_ADDRESS_REQUESTS_BURST: '5' });
    for (let n = 0; n < 5; n++) assert.equal(send('10.0.0.1'), undefined);
    const refusal = send('10.0.0.1');
    assert.equal(refusal?.code, 'rate_limited');
    assert.equal(refusal?.retryAfterSeconds, 1, 'whole seconds, never 0');
    assert.match(refusal?.detail ?? '', /RATE_LIMIT_ADDRESS_REQUESTS/);
    assert.equal(send('10.0.0.2'), undefined, 'others are not affected');
    clock.ms += 500;
    assert.equal(send('10.0.0.1'), undefined);
    assert.equal(send('10.0.0.1')?.code, 'rate_limited');
  });

  test('of an address hold for all of an IPv6 network', () => {
    const { send } = setUp({ RATE_LIMIT_ADDRESS_REQUESTS: '1', RATE_LIMIT_ADDRESS_REQUESTS_BURST: '2' });
    assert.equal(send('2001:db8::1'), undefined);
    assert.equal(send('2001:db8::2'), undefined);
    assert.equal(send('2001:db8::3')?.code, 'rate_limited');
    assert.equal(send('2001:db8:0:1::3'), undefined);
  });

  test('without a burst take two seconds of the rate at once', () => {
    const { send } = setUp({ RATE_LIMIT_KEY_REQUESTS: '3' });
    for (let n = 0; n < 6; n++) assert.equal(send('10.0.0.1', 'key'), undefined);
    assert.equal(send('10.0.0.1', 'key')?.code, 'rate_limited');
  });

  test('of a key hold wherever it is used, and not for other keys or nobody', () => {
    const { send } = setUp({ RATE_LIMIT_KEY_REQUESTS: '1', RATE_LIMIT_KEY_REQUESTS_BURST: '2' });
    assert.equal(send('10.0.0.1', 'key'), undefined);
    assert.equal(send('10.0.0.2', 'key'), undefined);
    assert.match(send('10.0.0.3', 'key')?.detail ?? '', /RATE_LIMIT_KEY_REQUESTS/);
    assert.equal(send('10.0.0.1', 'other'), undefined);
    for (let n = 0; n < 10; n++) assert.equal(send('10.0.0.1'), undefined);
  });

  test('of bytes let the body through that goes over them, and then make wait until it is paid', () => {
    const { send, clock } = setUp({ RATE_LIMIT_ADDRESS_BYTES: '100', RATE_LIMIT_ADDRESS_BYTES_BURST: '1000' });
    assert.equal(send('10.0.0.1', undefined, 999), undefined);
    assert.equal(send('10.0.0.1', undefined, 500), undefined, 'one byte was left');
    const refusal = send('10.0.0.1');
    assert.equal(refusal?.retryAfterSeconds, 5);
    assert.match(refusal?.detail ?? '', /the limit is 100 a second \(RATE_LIMIT_ADDRESS_BYTES, bytes\)/);
    clock.ms += 4990;
    assert.equal(send('10.0.0.1')?.retryAfterSeconds, 1);
    clock.ms += 10;
    assert.equal(send('10.0.0.1'), undefined);
  });

  test('of bytes are reached exactly by their burst', () => {
    const { send } = setUp({ RATE_LIMIT_KEY_BYTES: '100', RATE_LIMIT_KEY_BYTES_BURST: '1000' });
    assert.equal(send('10.0.0.1', 'key', 1000), undefined);
    assert.match(send('10.0.0.1', 'key')?.detail ?? '', /RATE_LIMIT_KEY_BYTES/);
  });

  test('refuse without making the wait longer', () => {
    const { send, clock } = setUp({ RATE_LIMIT_ADDRESS_REQUESTS: '1', RATE_LIMIT_ADDRESS_REQUESTS_BURST: '1' });
    assert.equal(send('10.0.0.1'), undefined);
    for (let n = 0; n < 1000; n++) assert.equal(send('10.0.0.1')?.retryAfterSeconds, 1);
    clock.ms += 1000;
    assert.equal(send('10.0.0.1'), undefined);
  });

  test('say in the headers what there is and what is left', () => {
    const { admission, from } = setUp({
      RATE_LIMIT_ADDRESS_REQUESTS: '10',
      RATE_LIMIT_KEY_BYTES: '1000',
      RATE_LIMIT_KEY_BYTES_BURST: '5000',
    });
    const exchange = from('10.0.0.1');
    admission.arrive(exchange);
    admission.identified(exchange, clientOf('key'));
    admission.received(exchange, clientOf('key'), 100);
    assert.deepEqual(exchange.headers, [
      'ratelimit-policy',
      '"address";q=20;w=2, "key-bytes";q=5000;qu="content-bytes";w=5',
      'ratelimit',
      '"address";r=19;t=1, "key-bytes";r=4900;t=1',
    ]);
    admission.received(from('10.0.0.1'), clientOf('key'), 14_900);
    const refused = from('10.0.0.1');
    assert.equal(admission.identified(refused, clientOf('key'))?.retryAfterSeconds, 11);
    assert.deepEqual(refused.headers.slice(-1), ['"key-bytes";r=0;t=11'], 'and nothing of what was not looked at');
  });

  test('leave other headers alone, whatever their values are', () => {
    const { admission, from } = setUp({ RATE_LIMIT_ADDRESS_REQUESTS: '10' });
    const exchange = from('10.0.0.1');
    // A client chooses the id of its request.
    exchange.headers.push('x-request-id', 'ratelimit');
    admission.arrive(exchange);
    assert.deepEqual(exchange.headers, [
      'x-request-id',
      'ratelimit',
      'ratelimit-policy',
      '"address";q=20;w=2',
      'ratelimit',
      '"address";r=19;t=1',
    ]);
  });
});

describe('failed authentications', () => {
  test('of an address are limited without a setting, by their own bucket, and then it gets nothing but 429', () => {
    const { admission, from, send, clock } = setUp({});
    for (let n = 0; n < 100; n++) {
      assert.equal(admission.arrive(from('10.0.0.1')), undefined);
      admission.unidentified(from('10.0.0.1'), UNAUTHORIZED);
    }
    assert.match(send('10.0.0.1')?.detail ?? '', /RATE_LIMIT_FAILED_AUTH/);
    assert.equal(send('10.0.0.2'), undefined);
    clock.ms += 50;
    assert.equal(send('10.0.0.1'), undefined, 'twenty a second come back');
    assert.equal(send('10.0.0.1'), undefined, 'and right ones cost nothing');
  });

  test('are only those: another refusal is none', () => {
    const { admission, from, send } = setUp({ RATE_LIMIT_FAILED_AUTH: '1', RATE_LIMIT_FAILED_AUTH_BURST: '1' });
    admission.unidentified(from('10.0.0.1'), { code: 'stopping', detail: '' });
    assert.equal(send('10.0.0.1'), undefined);
  });

  test('are not limited where that is switched off', () => {
    const { admission, from, send } = setUp({ RATE_LIMIT_FAILED_AUTH: '0' });
    for (let n = 0; n < 1000; n++) {
      admission.unidentified(from('10.0.0.1'), UNAUTHORIZED);
    }
    assert.equal(send('10.0.0.1'), undefined);
  });
});

test('a burst without its rate is a mistake', () => {
  const { problems } = readSettings(
    { rateLimits: rateLimitSettings },
    { environment: { RATE_LIMIT_KEY_BYTES_BURST: '1MiB' } },
  );
  assert.match(problems.join(), /RATE_LIMIT_KEY_BYTES_BURST: has no effect without RATE_LIMIT_KEY_BYTES/);
});
