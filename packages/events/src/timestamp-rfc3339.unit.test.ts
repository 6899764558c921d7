import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseTimestamp } from './timestamp.ts';

type Outcome = number | 'invalid_timestamp' | 'timestamp_out_of_range';

/**
 * The examples of RFC 3339, section 5.8, and the kinds of texts that the date-time cases of the JSON Schema Test Suite try. What RFC
 * 3339 allows and Kero refuses is marked with the reason; there is nothing that it forbids and Kero takes.
 */
const allowed: readonly (readonly [text: string, outcome: Outcome, reason?: string])[] = [
  ['1985-04-12T23:20:50.52Z', Date.UTC(1985, 3, 12, 23, 20, 50, 520) * 1_000],
  ['1996-12-19T16:39:57-08:00', Date.UTC(1996, 11, 20, 0, 39, 57) * 1_000],
  ['1990-12-31T23:59:60Z', 'invalid_timestamp', 'leap seconds cannot be stored'],
  ['1990-12-31T15:59:60-08:00', 'invalid_timestamp', 'leap seconds cannot be stored'],
  ['2016-12-31T23:59:60.5Z', 'invalid_timestamp', 'leap seconds cannot be stored'],
  ['1937-01-01T12:00:27.87+00:20', 'timestamp_out_of_range', 'before 1970'],
  ['1969-07-20T20:17:40.123456Z', 'timestamp_out_of_range', 'before 1970'],
  ['0001-01-01T00:00:00Z', 'timestamp_out_of_range', 'before 1970'],
  ['9999-12-31T23:59:59Z', 'timestamp_out_of_range', 'after 2148'],
  ['1990-06-19t08:30:06.283185z', Date.UTC(1990, 5, 19, 8, 30, 6) * 1_000 + 283_185],
  ['1990-06-19 08:30:06Z', Date.UTC(1990, 5, 19, 8, 30, 6) * 1_000],
  ['1990-12-31T15:59:50.123-08:00', Date.UTC(1990, 11, 31, 23, 59, 50, 123) * 1_000],
  ['1990-12-31T15:59:50-00:00', Date.UTC(1990, 11, 31, 15, 59, 50) * 1_000],
  ['1990-12-31T00:00:00+23:59', Date.UTC(1990, 11, 30, 0, 1) * 1_000],
  ['1990-12-31T15:59:50.999999999Z', Date.UTC(1990, 11, 31, 15, 59, 50) * 1_000 + 999_999],
  ['1990-12-31T15:59:50.9999999999Z', 'invalid_timestamp', 'more than 9 fraction digits'],
  ['1990-12-31T15:59:50.000000000000000001Z', 'invalid_timestamp', 'more than 9 fraction digits'],
];

const forbidden: readonly (readonly [text: string, why: string])[] = [
  ['1990-12-31T23:59:61Z', 'a second leap second'],
  ['1990-12-31T23:58:60Z', 'a leap second in another minute'],
  ['1990-12-31T22:59:60Z', 'a leap second in another hour'],
  ['1990-12-31T24:00:00Z', 'hour 24'],
  ['1990-12-31T24:59:60+01:00', 'hour 24 with a leap second'],
  ['1990-12-31T15:60:00Z', 'minute 60'],
  ['1990-02-31T15:59:59Z', 'a day that February does not have'],
  ['1991-02-29T15:59:59Z', 'a day that February does not have in this year'],
  ['1900-02-29T15:59:59Z', 'a day that February does not have in this century'],
  ['1990-12-31T15:59:59-24:00', 'an offset of 24 hours'],
  ['1990-12-31T15:59:59+10:60', 'an offset of 60 minutes'],
  ['1990-12-31T15:59:59.5+01:00Z', 'two offsets'],
  ['1990-12-31T15:59:59+01', 'an offset without minutes'],
  ['1990-12-31T15:59:59+0100', 'an offset without a colon'],
  ['1990-12-31T15:59:59', 'no offset'],
  ['12/31/1990 15:59:59 PST', 'another notation'],
  ['1990-365T15:59:59Z', 'a day of the year (ISO 8601)'],
  ['1990-W52-1T15:59:59Z', 'a week (ISO 8601)'],
  ['19901231T155959Z', 'the basic format (ISO 8601)'],
  ['1990-12-31', 'a date'],
  ['15:59:59Z', 'a time'],
  ['1990-12-31T15:59:59,5Z', 'a comma before the fraction (ISO 8601)'],
  ['1990-6-19T08:30:06Z', 'a month of one digit'],
  ['1990-06-9T08:30:06Z', 'a day of one digit'],
  ['90-06-19T08:30:06Z', 'a year of two digits'],
  ['+01990-06-19T08:30:06Z', 'a year with a sign'],
  ['11990-06-19T08:30:06Z', 'a year of five digits'],
  ['1990-06-1\u09e9T08:30:06Z', 'a digit of another script in the date'],
  ['1990-06-19T0\u09e9:30:06Z', 'a digit of another script in the time'],
  ['1990-06-19T08:30:06Z\n', 'a line feed at the end'],
  [' 1990-06-19T08:30:06Z', 'a space at the begin'],
];

describe('RFC 3339', () => {
  for (const [text, outcome, reason] of allowed) {
    test(`${text} is allowed${reason === undefined ? '' : `, but refused: ${reason}`}`, () => {
      const parsed = parseTimestamp(text);
      assert.equal(parsed.ok ? parsed.micros : parsed.code, outcome);
      assert.equal(typeof outcome === 'string', reason !== undefined, 'a refusal has a reason');
    });
  }
  for (const [text, why] of forbidden) {
    test(`${JSON.stringify(text)} is forbidden: ${why}`, () => {
      const parsed = parseTimestamp(text);
      assert.equal(parsed.ok ? parsed.micros : parsed.code, 'invalid_timestamp');
    });
  }
});
