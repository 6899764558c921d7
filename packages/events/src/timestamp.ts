/** The last year that an event may have happened in. */
export const LAST_YEAR = 2148;

/** Microseconds since 1970 of 2148-12-31T23:59:59.999999Z, the last instant that an event may have happened at. */
const LAST_MICROS = Date.UTC(LAST_YEAR + 1, 0, 1) * 1_000 - 1;

const SHAPE = 'Must be an RFC 3339 date-time with an offset, for example 2025-10-07T10:00:00.123456Z';

export type ParsedTimestamp =
  | { readonly ok: true; readonly micros: number }
  | { readonly ok: false; readonly code: 'invalid_timestamp' | 'timestamp_out_of_range'; readonly detail: string };

/**
 * Reads an RFC 3339 date-time into whole microseconds since 1970, a safe integer. Strict: `T`, `t` or one space; `Z`, `z` or
 * `+hh:mm` / `-hh:mm`; up to 9 fraction digits, of which those after the sixth are cut off; days that the calendar has; no leap
 * second, no 24:00. The instant in UTC must lie in 1970-01-01..2148-12-31. Never throws.
 */
export function parseTimestamp(text: string): ParsedTimestamp {
  if (text.length < 20 || text.length > 35) return invalid(`${SHAPE}.`);
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 2);
  const day = digits(text, 8, 2);
  const hour = digits(text, 11, 2);
  const minute = digits(text, 14, 2);
  const second = digits(text, 17, 2);
  const separator = text.charAt(10);
  if (
    (year | month | day | hour | minute | second) < 0 ||
    text.charAt(4) !== '-' ||
    text.charAt(7) !== '-' ||
    (separator !== 'T' && separator !== 't' && separator !== ' ') ||
    text.charAt(13) !== ':' ||
    text.charAt(16) !== ':'
  ) {
    return invalid(`${SHAPE}.`);
  }

  const fractionEnd = endOfFraction(text);
  const fraction = fractionEnd > 20 ? Number(text.slice(20, Math.min(fractionEnd, 26)).padEnd(6, '0')) : 0;
  const offset = fractionEnd < 0 ? undefined : offsetMinutes(text, fractionEnd);
  if (offset === undefined) return invalid(`${SHAPE}; the offset (Z or +hh:mm) is required.`);

  if (month < 1 || month > 12) return invalid(`There is no month ${text.slice(5, 7)}.`);
  if (day < 1 || day > daysOf(year, month)) {
    return invalid(`There is no day ${text.slice(8, 10)} in the month ${text.slice(0, 7)}.`);
  }
  if (hour > 23) return invalid('The hour must be 00 to 23; midnight is 00:00 of the next day.');
  if (minute > 59) return invalid('The minute must be 00 to 59.');
  if (second > 59) return invalid('The second must be 00 to 59; leap seconds (:60) cannot be stored.');

  const minutes = hour * 60 + minute - offset;
  const micros = ((daysSince1970(year, month, day) * 1_440 + minutes) * 60 + second) * 1_000_000 + fraction;
  if (micros < 0 || micros > LAST_MICROS) {
    return { ok: false, code: 'timestamp_out_of_range', detail: 'Must lie in 1970-01-01..2148-12-31, in UTC.' };
  }
  return { ok: true, micros };
}

/** RFC 3339 in UTC with six fraction digits, the one text per instant: `2025-10-07T10:00:00.000001Z`. */
export function formatTimestamp(micros: number): string {
  const millis = Math.floor(micros / 1_000);
  const rest = micros - millis * 1_000;
  return `${new Date(millis).toISOString().slice(0, 23)}${String(rest).padStart(3, '0')}Z`;
}

function invalid(detail: string): ParsedTimestamp {
  return { ok: false, code: 'invalid_timestamp', detail };
}

/** The number that `count` ASCII digits at `start` make, or a negative number where there is anything else. */
function digits(text: string, start: number, count: number): number {
  let value = 0;
  for (let at = start; at < start + count; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (!(digit >= 0 && digit <= 9)) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** Where the offset begins: 19 without a fraction; -1 where the fraction has no digits or more than 9. */
function endOfFraction(text: string): number {
  if (text.charAt(19) !== '.') return 19;
  let end = 20;
  while (digits(text, end, 1) >= 0) end++;
  return end > 20 && end <= 29 ? end : -1;
}

/** Minutes that local time is ahead of UTC, or undefined where there is no well-formed offset up to the end of the text. */
function offsetMinutes(text: string, start: number): number | undefined {
  const sign = text.charAt(start);
  if (sign === 'Z' || sign === 'z') return text.length === start + 1 ? 0 : undefined;
  if ((sign !== '+' && sign !== '-') || text.charAt(start + 3) !== ':' || text.length !== start + 6) return undefined;
  const hours = digits(text, start + 1, 2);
  const minutes = digits(text, start + 4, 2);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return undefined;
  return (sign === '-' ? -1 : 1) * (hours * 60 + minutes);
}

function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

export function daysOf(year: number, month: number): number {
  if (month === 2) return isLeapYear(year) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Days of the proleptic Gregorian calendar; counts years from March so that the leap day comes last. */
export function daysSince1970(year: number, month: number, day: number): number {
  const marchYear = month > 2 ? year : year - 1;
  const monthFromMarch = month > 2 ? month - 3 : month + 9;
  const leapDays = Math.floor(marchYear / 4) - Math.floor(marchYear / 100) + Math.floor(marchYear / 400);
  const dayOfMarchYear = Math.floor((153 * monthFromMarch + 2) / 5) + day - 1;
  return marchYear * 365 + leapDays + dayOfMarchYear - 719_468;
}
