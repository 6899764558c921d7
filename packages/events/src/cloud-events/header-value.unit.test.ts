import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { decodeHeaderValue } from './header-value.ts';

function decoded(raw: string): string | undefined {
  const result = decodeHeaderValue(raw);
  return result.ok ? result.value : undefined;
}

describe('decodeHeaderValue', () => {
  const accepted: readonly (readonly [raw: string, value: string])[] = [
    ['', ''],
    ['plain', 'plain'],
    ['Euro%20%E2%82%AC%20%F0%9F%98%80', 'Euro € 😀'],
    ['%e2%82%ac', '€'],
    ['%41%2e', 'A.'],
    ['one round only: %2541', 'one round only: %41'],
    ['%EF%BB%BFbyte order marks stay', '\ufeffbyte order marks stay'],
    ['"in quotes"', 'in quotes'],
    ['in "the middle"', 'in the middle'],
    ['"a\\"b\\\\c\\d"', 'a"b\\cd'],
    ['a\\b', 'a\\b'],
    ['"%20"', ' '],
    ['"\\%41"', 'A'],
    ['""', ''],
    ['100%', '100%'],
    ['50% off, %zz, %4', '50% off, %zz, %4'],
    ['%C3%A9t%C3%A9 100%', 'été 100%'],
    ['a+b', 'a+b'],
    ['caf\u00c3\u00a9', 'caf\u00e9'],
    ['caf\u00c3%a9', 'caf\u00e9'],
    ['"caf\u00c3\u00a9"', 'caf\u00e9'],
  ];
  for (const [raw, value] of accepted)
    test(`${raw} is ${JSON.stringify(value)}`, () => assert.equal(decoded(raw), value));

  const refused = [
    '%C0%A0',
    '%ED%A0%80',
    '%ED%A0%BD%ED%B8%80',
    '%E2%82',
    '%E2x',
    '%82',
    '%FF',
    '%F8%88%80%80%80',
    '%F4%90%80%80',
    '"open',
    'a "b" "c',
    '"escaped\\',
    '"escaped\\"',
    'caf\u00e9',
    'caf\u00c3',
  ];
  for (const raw of refused) test(`${JSON.stringify(raw)} is refused`, () => assert.equal(decoded(raw), undefined));

  test('control characters are left to the rules of attributes', () => {
    assert.equal(decoded('tab\tinside\u007f%0a'), 'tab\tinside\u007f\n');
  });

  test('every text comes back from the encoding of the specification', () => {
    const encode = (text: string) =>
      [...text]
        .map((character) =>
          /[!#$&-~]/.test(character)
            ? character
            : Buffer.from(character)
                .toString('hex')
                .replaceAll(/../g, (hex) => `%${hex.toUpperCase()}`),
        )
        .join('');
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => decoded(encode(text)) === text),
      { numRuns: 1_000 },
    );
  });
});
