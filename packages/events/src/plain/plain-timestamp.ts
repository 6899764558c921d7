import { daysOf, daysSince1970, LAST_YEAR } from '../timestamp.ts';
import { NOT_PLAIN } from './scan-value.ts';

/**
 * Reads the usual text of an instant, `2025-10-07T10:00:00.123456Z` with any or no fraction, into what parseTimestamp makes of it; -1
 * for every other one.
 */
export function plainTimestamp(bytes: Buffer, start: number, end: number): number {
  if (end - start < 20 || bytes[end - 1] !== 0x5a) return NOT_PLAIN;
  const year = twoDigits(bytes, start) * 100 + twoDigits(bytes, start + 2);
  const month = twoDigits(bytes, start + 5);
  const day = twoDigits(bytes, start + 8);
  const hour = twoDigits(bytes, start + 11);
  const minute = twoDigits(bytes, start + 14);
  const second = twoDigits(bytes, start + 17);
  const isShaped =
    bytes[start + 4] === 0x2d &&
    bytes[start + 7] === 0x2d &&
    bytes[start + 10] === 0x54 &&
    bytes[start + 13] === 0x3a &&
    bytes[start + 16] === 0x3a;
  // What is no digit makes a number that is far out of every range.
  if (!isShaped || year < 1970 || year > LAST_YEAR || month < 1 || month > 12 || day < 1 || day > daysOf(year, month)) {
    return NOT_PLAIN;
  }
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return NOT_PLAIN;
  const fraction = end - start === 20 ? 0 : fractionMicros(bytes, start + 19, end - 1);
  if (fraction < 0) return NOT_PLAIN;
  const seconds = (hour * 60 + minute) * 60 + second;
  return (daysSince1970(year, month, day) * 86_400 + seconds) * 1_000_000 + fraction;
}

/** The microseconds that a point and 1 to 9 digits write. */
function fractionMicros(bytes: Buffer, start: number, end: number): number {
  const count = end - start - 1;
  if (bytes[start] !== 0x2e || count < 1 || count > 9) return NOT_PLAIN;
  let micros = 0;
  for (let place = 1; place <= 9; place++) {
    const digit = place > count ? 0 : (bytes[start + place] as number) - 0x30;
    if (digit < 0 || digit > 9) return NOT_PLAIN;
    if (place <= 6) micros = micros * 10 + digit;
  }
  return micros;
}

/** -10,000 where there are not two digits: no other two can make up for it. */
function twoDigits(bytes: Buffer, at: number): number {
  const tens = (bytes[at] as number) - 0x30;
  const ones = (bytes[at + 1] as number) - 0x30;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -10_000;
}
