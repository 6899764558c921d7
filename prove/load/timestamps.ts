import type { Random } from '../random.ts';

const MONTHS = 8;
const FIRST_YEAR = 2025;

/** Instants at the edges of partitions and of calendars, in microseconds since 1970. */
const EDGES = [
  0n,
  1n,
  micros(1999, 12, 31, 23, 59, 59) + 999_999n,
  micros(2000, 2, 29),
  micros(2024, 2, 29, 23, 59, 59),
  micros(2025, 3, 1),
  micros(2025, 3, 1) - 1n,
];

/** An instant that no other event of the run has; with `edges` now and then one that is dangerous rather than unique. */
export function instant(random: Random, unique: number, { edges }: { edges: boolean }): bigint {
  if (edges && random.chance(0.01)) return random.pick(EDGES);
  const month = micros(FIRST_YEAR, random.int(1, MONTHS), 1);
  return month + BigInt(unique) * 100_000n + BigInt(random.int(0, 99_999));
}

/** One of the many texts that RFC 3339 has for an instant. */
export function timestampText(random: Random, instantMicros: bigint): string {
  const minutes = random.chance(0.5) ? 0 : random.pick([60, -300, 330, 345, -720, 840, 0]);
  const local = instantMicros + BigInt(minutes) * 60_000_000n;
  // Years before 1970 are legal only in the offset's time, and one text for all is enough.
  if (local < 0n) return timestampText(random.fork('utc'), instantMicros);
  const iso = new Date(Number(local / 1000n)).toISOString();
  const separator = random.pick(['T', 'T', 'T', 't', ' ']);
  return `${iso.slice(0, 10)}${separator}${iso.slice(11, 19)}${fraction(random, local)}${offset(random, minutes)}`;
}

function fraction(random: Random, local: bigint): string {
  const six = String(local % 1_000_000n).padStart(6, '0');
  const short = six.replace(/0+$/, '');
  if (short === '' && random.chance(0.5)) return '';
  if (random.chance(0.3) && short !== '') return `.${short}`;
  // Digits after the microsecond are cut off.
  return `.${six}${random.pick(['', '', '9', '99', '123'])}`;
}

function offset(random: Random, minutes: number): string {
  if (minutes === 0) return random.pick(['Z', 'Z', 'z', '+00:00', '-00:00']);
  const absolute = Math.abs(minutes);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(absolute / 60))}:${two(absolute % 60)}`;
}

function micros(year: number, month: number, day: number, hour = 0, minute = 0, second = 0): bigint {
  return BigInt(Date.UTC(year, month - 1, day, hour, minute, second)) * 1000n;
}
