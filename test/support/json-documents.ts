import fc from 'fast-check';
import { parseJson } from './parse-json.ts';

/** A value of any kind as JSON text in one of the many ways in which it may be written; `levels` objects and arrays fit into it. */
export function jsonText(levels: number): fc.Arbitrary<string> {
  if (levels === 0) return scalar;
  const inner = fc.oneof({ arbitrary: scalar, weight: 4 }, { arbitrary: deferred(levels - 1), weight: 1 });
  return fc.oneof(
    { arbitrary: scalar, weight: 3 },
    { arbitrary: arrayOf(inner), weight: 1 },
    { arbitrary: objectOf(inner), weight: 2 },
  );
}

/** The text of an object whose nesting, itself included, is at most `levels` deep, and sometimes exactly that. */
export function objectText(levels: number): fc.Arbitrary<string> {
  const shallow = objectOf(jsonText(3));
  const deepest = fc.tuple(fc.array(fc.boolean(), { minLength: levels - 1, maxLength: levels - 1 }), scalar);
  const deep = deepest.map(([kinds, leaf]) => {
    const value = kinds.reduceRight((inside, isArray) => (isArray ? `[${inside}]` : `{"a":${inside}}`), leaf);
    return `{"deep":${value}}`;
  });
  return fc.oneof({ arbitrary: shallow, weight: 8 }, { arbitrary: deep, weight: 1 });
}

/** A string of PostgreSQL: any characters but U+0000 and halves of surrogate pairs. */
export function storableString(minLength: number, maxLength: number): fc.Arbitrary<string> {
  const character = fc.oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }).filter((text) => text !== '\0'),
    fc.constantFrom(
      '\\',
      '"',
      '/',
      "'",
      '$',
      '%',
      '\u2028',
      '\ufffd',
      '\ufeff',
      '\u{1f98a}',
      'e\u0301',
      '\u00e9',
      '\n',
      '\u007f',
    ),
  );
  return fc
    .array(character, { minLength, maxLength: Math.min(maxLength, 12) })
    .map((characters) => characters.join(''));
}

/** A number in a notation of JSON that Kero takes. */
const numberText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    ...[
      '0',
      '-0',
      '-0.0',
      '0.000',
      '0e0',
      '0E+308',
      '-0e-5',
      '0e-1400',
      '19.90',
      '9007199254740993',
      '-9223372036854775809',
    ],
    ...['1e-300', '1E+300', '5e-324', '-4.9406564584124654e-324', '1.7976931348623157e308', '-17976931348623157e+292'],
    ...[
      '1e-000000000000000000000000300',
      '0.1',
      '1e2',
      '100',
      '1.50E1',
      `1${'0'.repeat(308)}`,
      `0.${'0'.repeat(323)}5`,
    ],
    ...[`0.${'1'.repeat(998)}`, '3'.repeat(300), `${'7'.repeat(300)}.${'7'.repeat(600)}`],
  ),
  fc
    .record({
      sign: fc.constantFrom('', '-'),
      whole: fc.oneof(
        fc.constant('0'),
        digits(1, 60).map((text) => text.replace(/^0+(?=.)|^0$/, '1')),
      ),
      fraction: fc.oneof(
        fc.constant(''),
        digits(1, 60).map((text) => `.${text}`),
      ),
      exponent: fc.oneof(
        fc.constant(''),
        fc.tuple(fc.constantFrom('e', 'E', 'e+', 'E+', 'e-', 'E-'), digits(1, 3)).map(([e, text]) => e + text),
      ),
    })
    .map(({ sign, whole, fraction, exponent }) => sign + whole + fraction + exponent)
    .filter(isStorableNumber),
);

const name = fc.oneof(
  storableString(0, 8),
  fc.constantFrom(
    '__proto__',
    'constructor',
    'toString',
    'event_data',
    'user_id',
    '',
    '0',
    '-1',
    'a/b~c',
    'n'.repeat(5_000),
  ),
);

const scalar = fc.oneof(
  { arbitrary: numberText, weight: 4 },
  { arbitrary: fc.tuple(storableString(0, 20), fc.nat(2)).map(([text, style]) => stringText(text, style)), weight: 3 },
  { arbitrary: fc.constantFrom('true', 'false', 'null', '""'), weight: 1 },
);

const space = fc.constantFrom('', '', '', ' ', '\t', '\r\n');

function deferred(levels: number): fc.Arbitrary<string> {
  return fc.nat(1).chain(() => jsonText(levels));
}

function arrayOf(item: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(fc.array(item, { maxLength: 4 }), space)
    .map(([items, blank]) => `[${items.join(`${blank},`)}${blank}]`);
}

function objectOf(value: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const member = fc.record({ name, style: fc.nat(2), value, blank: space });
  return fc.uniqueArray(member, { maxLength: 5, selector: (one) => one.name }).map((members) => {
    const texts = members.map(
      (one) => `${one.blank}${stringText(one.name, one.style)}${one.blank}:${one.blank}${one.value}`,
    );
    return `{${texts.join(',')}}`;
  });
}

/** As JSON.stringify writes it, or with every character escaped, or with the escapes that nobody needs. */
function stringText(text: string, style: number): string {
  if (style === 0) return JSON.stringify(text);
  if (style === 1) return JSON.stringify(text).replaceAll('/', '\\/');
  const units = Array.from({ length: text.length }, (_, at) => text.charCodeAt(at).toString(16).padStart(4, '0'));
  return `"${units.map((hex) => `\\u${hex}`).join('')}"`;
}

function digits(minLength: number, maxLength: number): fc.Arbitrary<string> {
  return fc.string({ unit: fc.constantFrom(...'0123456789'), minLength, maxLength });
}

function isStorableNumber(text: string): boolean {
  const value = Number(text);
  const mantissa = text.split(/e/i)[0] ?? '';
  return Number.isFinite(value) && (value !== 0 || !/[1-9]/.test(mantissa));
}

/** The value of a decimal, whatever its notation: equal values are equal texts. No double is involved. */
export function decimalOf(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const allDigits = (whole + fraction).replace(/^0+/, '');
  const significant = allDigits.replace(/0+$/, '');
  if (significant === '') return '0';
  const power = Number(exponent) - fraction.length + (allDigits.length - significant.length);
  return `${sign}${significant}e${power}`;
}

/** The value of a JSON text in which numbers are decimals, for comparing what was sent with what is stored. */
export function exactValue(text: string): unknown {
  return parseJson(text, (_, number) => ({ decimal: decimalOf(number) }));
}
