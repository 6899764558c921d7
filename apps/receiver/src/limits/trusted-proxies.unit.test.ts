import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createTrustedProxies, networks } from './trusted-proxies.ts';

const proxies = createTrustedProxies(networks().parse('10.0.0.0/8, 192.168.1.7, fd00::/8, ::ffff:172.16.0.1'));

describe('TRUSTED_PROXIES', () => {
  test('takes addresses and networks of both kinds, and nothing else', () => {
    for (const good of ['10.0.0.1', '10.0.0.0/8', '0.0.0.0/0', '10.1.2.3/32', '::1', 'fd00::/8', '::/0', '::1/128']) {
      assert.equal(networks().parse(good).length, 1, good);
    }
    for (const bad of [
      '10.0.0.0/33',
      '::/129',
      '10.0.0',
      'proxy.example',
      '10.0.0.1/',
      '/8',
      '10.0.0.1:80',
      '10.0.0.1/8/8',
      '::ffff:10.0.0.1/104',
    ]) {
      assert.throws(() => networks().parse(bad), /expected an address or a network/, bad);
    }
  });

  test('knows its networks to their borders', () => {
    for (const inside of ['10.0.0.0', '10.255.255.255', '192.168.1.7', 'fd00::', 'fdff:ffff::1', '172.16.0.1']) {
      assert.equal(proxies.has(inside), true, inside);
    }
    for (const outside of [
      '9.255.255.255',
      '11.0.0.0',
      '192.168.1.6',
      '192.168.1.8',
      'fc00::1',
      'fe00::',
      '172.16.0.2',
      '',
    ]) {
      assert.equal(proxies.has(outside), false, outside);
    }
  });
});

describe('who sent a request', () => {
  const table: [what: string, peer: string, forwarded: string | undefined, origin: string][] = [
    ['no proxy', '203.0.113.9', undefined, '203.0.113.9'],
    ['a client that writes the header itself', '203.0.113.9', '10.0.0.1, 1.1.1.1', '203.0.113.9'],
    ['a proxy without the header', '10.0.0.1', undefined, '10.0.0.1'],
    ['one proxy', '10.0.0.1', '203.0.113.9', '203.0.113.9'],
    ['one proxy, and a client that made something up', '10.0.0.1', '1.1.1.1, 203.0.113.9', '203.0.113.9'],
    ['one proxy, and a client that names itself a proxy', '10.0.0.1', '10.9.9.9, 203.0.113.9', '203.0.113.9'],
    ['two proxies', '10.0.0.1', '203.0.113.9, 192.168.1.7', '203.0.113.9'],
    ['two proxies, one of them not trusted', '10.0.0.1', '203.0.113.9, 198.51.100.1', '198.51.100.1'],
    ['nothing but proxies', '10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['IPv6', 'fd00::1', '2001:db8::7', '2001:db8::7'],
    ['IPv4 in IPv6', '10.0.0.1', '::ffff:203.0.113.9', '203.0.113.9'],
    ['IPv4 in IPv6 of a proxy', '10.0.0.1', '203.0.113.9,::ffff:10.0.0.2', '203.0.113.9'],
    ['a port', '10.0.0.1', '203.0.113.9:4711', '203.0.113.9'],
    ['a port behind IPv6', '10.0.0.1', '[2001:db8::7]:4711', '2001:db8::7'],
    ['brackets without a port', '10.0.0.1', '[2001:db8::7]', '2001:db8::7'],
    ['blanks and no blanks', '10.0.0.1', ' 1.1.1.1 ,203.0.113.9 , 10.0.0.2', '203.0.113.9'],
    ['something that is no address', '10.0.0.1', '203.0.113.9, unknown', '10.0.0.1'],
    ['something that is no address, before a proxy', '10.0.0.1', '203.0.113.9, _x, 10.0.0.2', '10.0.0.2'],
    ['something that is no address, beyond the client', '10.0.0.1', 'unknown, 203.0.113.9', '203.0.113.9'],
    ['an empty header', '10.0.0.1', '', '10.0.0.1'],
    ['commas only', '10.0.0.1', ',,,', '10.0.0.1'],
    ['a script', '10.0.0.1', '<script>alert(1)</script>', '10.0.0.1'],
    ['no address at all (the client is gone)', '', '203.0.113.9', ''],
  ];
  for (const [what, peer, forwarded, origin] of table) {
    test(`${what}: ${origin || 'nobody'}`, () => assert.equal(proxies.origin(peer, forwarded), origin));
  }

  test('without trusted proxies is always the other end', () => {
    assert.equal(createTrustedProxies([]).origin('10.0.0.1', '203.0.113.9'), '10.0.0.1');
  });
});
