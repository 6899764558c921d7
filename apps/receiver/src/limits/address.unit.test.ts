import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOf, ownerOf } from './address.ts';

test('an address has one spelling where IPv4 is mapped into IPv6, and no zone', () => {
  for (const [text, address] of [
    ['10.0.0.1', '10.0.0.1'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['::FFFF:0a00:0001', '10.0.0.1'],
    ['0:0:0:0:0:ffff:255.255.255.255', '255.255.255.255'],
    ['2001:db8::1', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::1', '::1'],
    ['::', '::'],
    // IPv4-compatible and translated addresses are not mapped ones.
    ['::10.0.0.1', '::10.0.0.1'],
    ['64:ff9b::10.0.0.1', '64:ff9b::10.0.0.1'],
  ] as const) {
    assert.equal(addressOf(text), address, text);
  }
});

test('what is no address is none', () => {
  for (const text of [
    '',
    ' ',
    'unknown',
    '_hidden',
    '10.0.0',
    '10.0.0.256',
    '1.2.3.4:80',
    '[::1]',
    ':::',
    '1::2::3',
    '🙂',
  ]) {
    assert.equal(addressOf(text), undefined, text);
  }
});

test('an IPv4 address is one client, and so is an IPv6 network of 64 bits', () => {
  assert.equal(ownerOf('10.0.0.1'), '10.0.0.1');
  const owner = ownerOf('2001:db8:1:2::1');
  for (const same of ['2001:db8:1:2:ffff:ffff:ffff:ffff', '2001:0DB8:0001:0002:0:0:0:1', '2001:db8:1:2:3::']) {
    assert.equal(ownerOf(same), owner, same);
  }
  for (const other of ['2001:db8:1:3::1', '2001:db8::1', '2001:db8:1::2', '::1']) {
    assert.notEqual(ownerOf(other), owner, other);
  }
});
