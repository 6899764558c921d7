import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { eventSchema } from './schemas.ts';
import { formatTimestamp, parseTimestamp } from './timestamp.ts';

const LAST = Date.UTC(2148, 11, 31, 23, 59, 59, 999) * 1_000 + 999;

function microsOf(text: string): number {
  const parsed = parseTimestamp(text);
  assert.ok(parsed.ok, `${text}: ${parsed.ok ? '' : parsed.detail}`);
  return parsed.micros;
}

function codeOf(text: string): string {
  const parsed = parseTimestamp(text);
  return parsed.ok ? 'accepted' : parsed.code;
}

describe('parseTimestamp', () => {
  const accepted: readonly (readonly [text: string, micros: number])[] = [
    ['1970-01-01T00:00:00Z', 0],
    ['1970-01-01t00:00:00z', 0],
    ['1970-01-01 00:00:00Z', 0],
    ['1970-01-01T00:00:00+00:00', 0],
    ['1970-01-01T00:00:00-00:00', 0],
    ['1970-01-01T00:00:00.000001Z', 1],
    ['1970-01-01T00:00:00.0000019Z', 1],
    ['1970-01-01T00:00:00.000000999Z', 0],
    ['1970-01-01T00:00:00.1Z', 100_000],
    ['1970-01-01T00:00:00.12+00:00', 120_000],
    ['1970-01-01T00:00:00.123456789Z', 123_456],
    ['1969-12-31T23:30:00-01:00', 1_800_000_000],
    ['1970-01-01T02:00:00.123456789+02:00', 123_456],
    ['1970-01-01T23:59:00+23:59', 0],
    ['1969-12-31T00:01:00-23:59', 0],
    ['2000-02-29T00:00:00Z', Date.UTC(2000, 1, 29) * 1_000],
    ['2024-02-29T12:34:56.789Z', Date.UTC(2024, 1, 29, 12, 34, 56, 789) * 1_000],
    ['2025-10-07T12:00:00+02:00', Date.UTC(2025, 9, 7, 10) * 1_000],
    ['2148-12-31T23:59:59.999999Z', LAST],
    ['2148-12-31T23:59:59.999999999Z', LAST],
    ['2149-01-01T01:59:59.999999+02:00', LAST],
  ];
  for (const [text, micros] of accepted) {
    test(`${text} is ${micros}`, () => assert.equal(microsOf(text), micros));
  }

  const outOfRange = [
    '1969-12-31T23:59:59.999999999Z',
    '1970-01-01T00:59:59+01:00',
    '2149-01-01T00:00:00Z',
    '2148-12-31T23:00:00-01:00',
    '0000-01-01T00:00:00Z',
    '9999-12-31T23:59:59Z',
  ];
  for (const text of outOfRange)
    test(`${text} is out of range`, () => assert.equal(codeOf(text), 'timestamp_out_of_range'));

  const invalid = [
    '',
    'now',
    'infinity',
    '20251007T100000Z',
    '2025-10-07',
    '2025-10-07T10:00Z',
    '2025-10-07T10:00:00',
    '2025-10-07T10:00:00.Z',
    '2025-10-07T10:00:00,5Z',
    '2025-10-07T10:00:00.1234567890Z',
    '2025-10-07T10:00:00.123456',
    '2025-10-07T10:00:00 Z',
    '2025-10-07  10:00:00Z',
    '2025-10-07_10:00:00Z',
    '2025-10-07T10:00:00ZZ',
    '2025-10-07T10:00:00Z ',
    ' 2025-10-07T10:00:00Z',
    '2025-10-07T10:00:00+0200',
    '2025-10-07T10:00:00+02',
    '2025-10-07T10:00:00+2:00',
    '2025-10-07T10:00:00+24:00',
    '2025-10-07T10:00:00+02:60',
    '2025-10-07T10:00:00+02:000',
    '2025-10-07T10:00:00\u221202:00',
    '2025-10-07T10:00:00UTC',
    '2025-10-07T24:00:00Z',
    '2025-10-07T10:60:00Z',
    '2025-10-07T10:00:60Z',
    '2016-12-31T23:59:60Z',
    '2025-00-01T00:00:00Z',
    '2025-13-01T00:00:00Z',
    '2025-01-00T00:00:00Z',
    '2025-01-32T00:00:00Z',
    '2025-04-31T00:00:00Z',
    '2025-02-29T00:00:00Z',
    '2100-02-29T00:00:00Z',
    '2024-02-30T00:00:00Z',
    '+02025-10-07T10:00:00Z',
    '-2025-10-07T10:00:00Z',
    '12025-10-07T10:00:00Z',
    '2025/10/07T10:00:00Z',
    '2025-10-07T10.00.00Z',
    '\u0662025-10-07T10:00:00Z',
    '２０２５-10-07T10:00:00Z',
    '2025-10-07T10:00:00.１Z',
    '2025-10-07T1 :00:00Z',
    '2025-10-07T-1:00:00Z',
    '2025-10-07T10:00:00.5e1Z',
  ];
  for (const text of invalid) {
    test(`${JSON.stringify(text)} is invalid`, () => assert.equal(codeOf(text), 'invalid_timestamp'));
  }

  test('every day from 1970 to 2148, and no other, is the day that the calendar of JavaScript has', () => {
    const two = (value: number) => String(value).padStart(2, '0');
    for (let year = 1970; year <= 2148; year++) {
      for (let month = 1; month <= 12; month++) {
        for (let day = 0; day <= 32; day++) {
          const text = `${year}-${two(month)}-${two(day)}T00:00:00Z`;
          const date = new Date(Date.UTC(year, month - 1, day));
          const exists = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
          if (exists) assert.equal(microsOf(text), date.getTime() * 1_000, text);
          else assert.equal(codeOf(text), 'invalid_timestamp', text);
        }
      }
    }
  });

  test('what it accepts, the pattern of the schema accepts too', () => {
    const properties = eventSchema.properties as { event_timestamp: { pattern: string } };
    const pattern = new RegExp(properties.event_timestamp.pattern, 'u');
    for (const [text] of accepted) assert.match(text, pattern);
    const character = fc.constantFrom(...'0123456789-:.+TtZz ');
    const edits = fc.array(fc.tuple(fc.nat(40), fc.nat(1), character), { maxLength: 3 });
    fc.assert(
      fc.property(fc.constantFrom(...accepted), edits, ([seed], changes) => {
        let text = seed;
        for (const [at, remove, put] of changes) text = text.slice(0, at) + put + text.slice(at + remove);
        if (codeOf(text) === 'accepted') assert.match(text, pattern);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('formatTimestamp', () => {
  test('writes UTC with six fraction digits', () => {
    assert.equal(formatTimestamp(0), '1970-01-01T00:00:00.000000Z');
    assert.equal(formatTimestamp(1_759_831_200_000_001), '2025-10-07T10:00:00.000001Z');
    assert.equal(formatTimestamp(LAST), '2148-12-31T23:59:59.999999Z');
  });

  test('is read back as the same microseconds', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: LAST }), (micros) => microsOf(formatTimestamp(micros)) === micros));
  });
});
