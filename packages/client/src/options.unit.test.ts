import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeroClientError } from './errors.ts';
import { readOptions } from './options.ts';

test('the path of the API is added to the URL, with and without a slash at its end', () => {
  for (const [url, endpoint] of [
    ['http://127.0.0.1:8000', 'http://127.0.0.1:8000/api/v1/events'],
    ['http://127.0.0.1:8000/', 'http://127.0.0.1:8000/api/v1/events'],
    ['https://example.test/kero/', 'https://example.test/kero/api/v1/events'],
  ] as const) {
    assert.equal(readOptions({ url }).endpoint, endpoint);
    assert.equal(readOptions({ url: new URL(url) }).endpoint, endpoint);
  }
});

test('every mistake is named, and no secret is', () => {
  assert.throws(
    () =>
      readOptions({
        url: 'ftp://user:password@example.test/?a=b',
        apiKey: 'kero secret\n',
        token: 'other',
        deadlineMs: 0,
        concurrency: 1.5,
        batch: { maxEvents: 20_000, lingerMs: -1 },
        maxBuffered: { bytes: Number.NaN },
      }),
    (error) => {
      assert.ok(error instanceof KeroClientError);
      assert.equal(error.code, 'invalid_options');
      for (const name of [
        'http: or https:',
        'password',
        'query',
        'exclude each other',
        'characters',
        'deadlineMs',
        'concurrency',
        'batch.maxEvents',
        'batch.lingerMs',
        'maxBuffered.bytes',
      ]) {
        assert.ok(error.message.includes(name), `${name} in ${error.message}`);
      }
      assert.ok(!error.message.includes('secret'));
      return true;
    },
  );
  assert.throws(() => readOptions({ url: 'example.test' }), { code: 'invalid_options' });
});
