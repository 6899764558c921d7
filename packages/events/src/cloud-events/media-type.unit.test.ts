import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isJsonMediaType, parseMediaType } from './media-type.ts';

function isJson(text: string): boolean | undefined {
  const mediaType = parseMediaType(text);
  return mediaType && isJsonMediaType(mediaType);
}

test('JSON is every type with the subtype json or the suffix +json, in UTF-8', () => {
  for (const text of [
    'application/json',
    'Application/JSON',
    ' application/json ',
    'text/json',
    'application/vnd.shop.order+json',
    'application/ld+json; profile="https://a.example/p;q=\\"1\\""',
    'application/json;charset=utf-8',
    'application/json ;\tCharset="UTF-8"; v=1',
    'application/json;',
  ]) {
    assert.equal(isJson(text), true, text);
  }
});

test('other types and other charsets are not', () => {
  for (const text of [
    'text/plain',
    'application/xml',
    'application/json-seq',
    'application/x-ndjson',
    'application/jsonp',
    'application/json; charset=utf-16',
    'application/json; charset=latin1',
  ]) {
    assert.equal(isJson(text), false, text);
  }
});

test('what is not a media type, or says a parameter twice, is none', () => {
  for (const text of [
    '',
    'json',
    'application/',
    '/json',
    'application/json/x',
    'application/json charset=utf-8',
    'application/json; charset',
    'application/json; charset=',
    'application/json; charset="utf-8',
    'application/json; charset=utf-8; charset=utf-16',
    'application/json, text/plain',
    `application/json; a=${'x'.repeat(1_000)}`,
  ]) {
    assert.equal(isJson(text), undefined, text);
  }
});

test('a parameter in double quotes is the text between them, without the backslashes', () => {
  assert.deepEqual(
    [...(parseMediaType('a/b; P="x\\"y\\\\z"; q=1')?.parameters ?? [])],
    [
      ['p', 'x"y\\z'],
      ['q', '1'],
    ],
  );
});
