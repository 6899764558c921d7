import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSettings } from '@kero/runtime';
import { authSettings, isAuthConfigured } from './auth-settings.ts';

const read = (environment: Record<string, string>) => readSettings({ auth: authSettings }, { environment });
const problems = (environment: Record<string, string>) => read(environment).problems.join('\n');

const ISSUER = { AUTH_JWT_ISSUER: 'https://login.example.com/', AUTH_JWT_AUDIENCE: 'kero' };

test('nothing has to be set, and then nothing says who may send', () => {
  assert.equal(problems({}), '');
  assert.equal(isAuthConfigured(read({}).values.auth), false);
  assert.equal(isAuthConfigured(read({ AUTH: 'none' }).values.auth), false);
  assert.equal(isAuthConfigured(read({ API_KEYS_FILE: '/k' }).values.auth), true);
  assert.equal(isAuthConfigured(read(ISSUER).values.auth), true);
});

test('AUTH=none beside something that says who may send is a mistake', () => {
  assert.match(problems({ AUTH: 'none', API_KEYS_FILE: '/k' }), /^AUTH: none .*API_KEYS_FILE/);
  assert.match(problems({ AUTH: 'none', ...ISSUER }), /^AUTH: none .*AUTH_JWT_ISSUER/);
});

test('AUTH=required with nothing that says who may send is a mistake', () => {
  assert.match(problems({ AUTH: 'required' }), /^AUTH: required.*API_KEYS_FILE or AUTH_JWT_ISSUER/);
  assert.equal(problems({ AUTH: 'required', API_KEYS_FILE: '/k' }), '');
  assert.equal(problems({ AUTH: 'required', ...ISSUER }), '');
});

test('AUTH knows only its words', () => {
  assert.match(problems({ AUTH: 'off' }), /^AUTH: expected one of: none, required/);
});

test('an issuer needs an audience, and the other way round', () => {
  assert.match(problems({ AUTH_JWT_ISSUER: 'https://a.example' }), /^AUTH_JWT_AUDIENCE: is required/);
  assert.match(problems({ AUTH_JWT_ISSUER: 'https://a.example', AUTH_JWT_AUDIENCE: ' , ' }), /^AUTH_JWT_AUDIENCE/);
  assert.match(problems({ AUTH_JWT_AUDIENCE: 'kero' }), /^AUTH_JWT_ISSUER: is required/);
  assert.match(problems({ AUTH_JWT_JWKS_URL: 'https://a.example/keys' }), /^AUTH_JWT_ISSUER: is required/);
});

test('keys of an issuer come over TLS, or from this machine', () => {
  for (const url of [
    'https://login.example.com',
    'http://127.0.0.1:8080/realms/x',
    'http://localhost',
    'http://[::1]:1/',
  ]) {
    assert.equal(problems({ AUTH_JWT_ISSUER: url, AUTH_JWT_AUDIENCE: 'kero', AUTH_JWT_JWKS_URL: url }), '', url);
  }
  for (const url of [
    'http://login.example.com',
    'http://127.0.0.1.example.com',
    'login.example.com',
    'file:///keys',
    'https://u:p@a.example',
    'https://a.example/#x',
  ]) {
    assert.match(problems({ ...ISSUER, AUTH_JWT_ISSUER: url }), /^AUTH_JWT_ISSUER: expected a URL/, url);
    assert.match(problems({ ...ISSUER, AUTH_JWT_JWKS_URL: url }), /^AUTH_JWT_JWKS_URL: expected a URL/, url);
  }
});

test('the tolerance of clocks is bounded', () => {
  assert.match(problems({ ...ISSUER, AUTH_JWT_CLOCK_TOLERANCE: '6m' }), /^AUTH_JWT_CLOCK_TOLERANCE: at most 5m/);
  assert.equal(problems({ ...ISSUER, AUTH_JWT_CLOCK_TOLERANCE: '5m' }), '');
});
