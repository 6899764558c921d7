import type { Random } from '../random.ts';

/** Strings that are legal in an event, and that have broken programs: COPY, SQL, JSON, UTF-16 and terminals each get theirs. */
const NASTY_STRINGS = [
  '',
  ' ',
  '\\N',
  '\\.',
  '\\',
  '\t\n\r\b\f\v',
  "'; drop table events; --",
  '"quoted"',
  '$1 {{y}} %s %n',
  'Zoë 🦊 👩‍👩‍👧‍👦',
  'שלום مرحبا \u202etxt.exe',
  '\u2028\u2029\u0085\ufeff',
  '\uffff\ufffe',
  '\u0001\u001f\u007f',
  'e\u0301 é',
  '__proto__',
  'constructor',
  'NaN',
  'null',
  '2026-01-01',
  '00:00:60',
  'ﬀ ß İ ı',
  '🏴󠁧󠁢󠁥󠁮󠁧󠁿'.repeat(3),
];

const NASTY_NUMBERS = [
  '0',
  '-0',
  '0.0',
  '-0.00',
  '19.90',
  '9007199254740993',
  '-9007199254740993.10',
  '1e5',
  '1E+2',
  '1.50e1',
  '25e-3',
  '1e308',
  '-1.7976931348623157e308',
  '5e-324',
  '0.1',
  '0.30000000000000004',
  '123456789012345678901234567890.123456789012345678901234567890',
  '1.000000000000000000000000000000000000',
];

/** The JSON text of a number. Digits are drawn as text: no double ever sees them. */
export function numberText(random: Random): string {
  if (random.chance(0.5)) return `${random.int(0, 100_000)}.${String(random.int(0, 99)).padStart(2, '0')}`;
  if (random.chance(0.5)) return random.pick(NASTY_NUMBERS);
  const digits = Array.from({ length: random.int(1, 40) }, () => random.int(0, 9)).join('');
  const fraction = random.chance(0.7) ? `.${digits}` : '';
  return `${random.chance(0.3) ? '-' : ''}${random.int(1, 999)}${fraction}`;
}

/** The JSON text of a string; some characters are written as escapes that need not be. */
export function stringText(random: Random, value = string(random)): string {
  const text = JSON.stringify(value);
  if (!random.chance(0.2)) return text;
  return text.replaceAll(/[a-z/](?=[^"\\]*")/g, (letter, at: number) => {
    // An escape's own letter must stay, and so must what follows \u.
    const before = text.slice(Math.max(0, at - 6), at);
    if (before.includes('\\') || !random.chance(0.3)) return letter;
    return `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

export function string(random: Random): string {
  if (random.chance(0.3)) return random.pick(NASTY_STRINGS);
  const words = Array.from({ length: random.int(1, 6) }, () => random.int(0, 2 ** 31).toString(36));
  return words.join(random.pick([' ', '-', '_', ' — ']));
}

/** The JSON text of an object with `members` in front; the marker makes it one of a kind. */
export function objectText(random: Random, members: readonly string[]): string {
  const all = [...members];
  const more = random.chance(0.01) ? random.int(100, 300) : random.int(0, 4);
  for (let n = 0; n < more; n++) all.push(`${memberName(random, n)}:${valueText(random, 1)}`);
  const space = random.pick(['', '', ' ', '\n  ']);
  return `{${space}${all.join(`,${space}`)}${space}}`;
}

function memberName(random: Random, n: number): string {
  const nasty = random.chance(0.1) ? random.pick(NASTY_STRINGS) : '';
  // The number keeps names of one object apart.
  return stringText(random, `${nasty}m${n}`);
}

function valueText(random: Random, depth: number): string {
  const roll = random.next();
  if (roll < 0.35) return stringText(random);
  if (roll < 0.7) return numberText(random);
  if (roll < 0.85 || depth > 6) return random.pick(['true', 'false', 'null', '[]', '{}']);
  const items = Array.from({ length: random.int(0, 4) }, () => valueText(random, depth + 1));
  if (random.chance(0.5)) return `[${items.join(', ')}]`;
  return `{${items.map((item, n) => `${memberName(random, n)}: ${item}`).join(',')}}`;
}
