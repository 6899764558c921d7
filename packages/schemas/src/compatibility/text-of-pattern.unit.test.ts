import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { textOfPattern } from './text-of-pattern.ts';

test('the text matches the usual patterns', () => {
  for (const pattern of [
    ...['^/', '^[a-z]+$', '^[A-Z]{3}$', '^\\d{4}-\\d{2}-\\d{2}$', '^-?(0|[1-9]\\d*)(\\.\\d+)?$', '^(?:EUR|USD)$'],
    ...['^[^@]+@[^@]+\\.[a-z]{2,}$', '^https?://', '^(?<year>\\d{4})$', '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'],
    ...['^\\S+$', '^.{5,10}$', '[$]', '^\\+\\d{6,15}$', '^$', '^(a|b)*c$', '\\bword\\b', '^[\\w.-]+$'],
  ]) {
    for (const more of [0, 1, 3]) {
      assert.match(textOfPattern(pattern, more), new RegExp(pattern, 'u'), `${pattern} with ${more} more`);
    }
  }
});

test('whatever the pattern is, it comes to an end', () => {
  fc.assert(
    fc.property(fc.string(), fc.nat({ max: 3 }), (pattern, more) => typeof textOfPattern(pattern, more) === 'string'),
  );
  assert.equal(typeof textOfPattern('(((a{999}){999}', 0), 'string');
});
