import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRouter } from './router.ts';

const get = () => {};
const post = () => {};
const route = createRouter({ '/a': { GET: get }, '/b': { GET: get, POST: post }, '/c': { POST: post } });

test('a request goes to the handler of its path and method, HEAD to that of GET', () => {
  assert.equal(route('GET', '/a'), get);
  assert.equal(route('HEAD', '/a'), get);
  assert.equal(route('POST', '/b'), post);
});

test('a query and the absolute form of a proxy do not change the path', () => {
  for (const target of ['/a?', '/a?b=/c', 'http://kero.example/a', 'HTTP://kero.example:8000/a?x=1']) {
    assert.equal(route('GET', target), get, target);
  }
});

test('a path that is not in the table is not found, whatever it resembles', () => {
  for (const target of ['', '/', '/a/', '/A', '//a', '/%61', '*', 'a', '/a#b', 'http://kero.example', '__proto__']) {
    assert.equal(
      'code' in route('GET', target) && (route('GET', target) as { code: string }).code,
      'not_found',
      target,
    );
  }
});

test('another method is not allowed, and the allowed ones are named', () => {
  const refusal = route('DELETE', '/b');
  assert.deepEqual(typeof refusal === 'object' && [refusal.code, refusal.headers], [
    'method_not_allowed',
    ['allow', 'GET, HEAD, POST'],
  ]);
});
