import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isUri, isUriReference } from './uri.ts';

const URIS = [
  'https://github.com/cloudevents/spec/pull',
  'https://a.example:8443/b/c?d=e&f=%20#g/h?i',
  'http://user:password@a.example/',
  'http://[2001:db8::1]:80/',
  'http://a.example',
  'mailto:cncf-wg-serverless@lists.cncf.io',
  'urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66',
  'tag:a.example,2026:x',
  'file:///etc/hosts',
  'a.b+c-d:e',
];

const REFERENCES = [
  '/cloudevents/spec/pull/123',
  '/sensors/tn-1234567/alerts',
  '1-555-123-4567',
  '//storage.googleapis.com/projects/_/buckets/b',
  '/apis/v1/namespaces/default/kafkasources/s#topic',
  '/subscriptions/0b9d/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/x',
  '10.0.0.1:8080',
  '../b',
  '?a',
  '#a',
  'shop',
  "shop(1)!*'~;,=@$&+",
];

const NEITHER = [
  'my shop',
  '/caf\u00e9',
  '/a\u0000',
  '/a\n',
  '/%',
  '/%2',
  '/%zz',
  '/{id}',
  '/a|b',
  '/a\\b',
  '/a^b',
  '/a`b',
  '/<a>',
  '/"a"',
  '/a#b#c',
  'http://a b',
  'http://[::1',
  'http://a.example:port/',
  '//a[b]/',
  `/${'a'.repeat(8_000)}`,
];

for (const text of URIS) {
  test(`${text} is a URI and a reference`, () => assert.deepEqual([isUri(text), isUriReference(text)], [true, true]));
}

for (const text of REFERENCES) {
  test(`${text} is a reference without a scheme`, () =>
    assert.deepEqual([isUri(text), isUriReference(text)], [false, true]));
}

for (const text of NEITHER) {
  test(`${JSON.stringify(text).slice(0, 60)} is neither`, () =>
    assert.deepEqual([isUri(text), isUriReference(text)], [false, false]));
}
