import fc from 'fast-check';

/** Mostly what is right, sometimes what is not: both answers must be common. */
const mostly = (right: fc.Arbitrary<string>, wrong: fc.Arbitrary<string>) =>
  fc.oneof({ weight: 60, arbitrary: right }, { weight: 1, arbitrary: wrong });
const space = fc.oneof(
  { weight: 200, arbitrary: fc.constant('') },
  { weight: 40, arbitrary: fc.constantFrom(' ', '\n', '\t', '\r\n', ' \n ') },
  { weight: 1, arbitrary: fc.constantFrom('\f', '\u00a0', '\v') },
);
const stringText = mostly(
  fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 8 }).map((text) => JSON.stringify(text)),
    fc.constantFrom('"42"', '"19.90"', '"ä🦊"', '"-0"', '"01"', '"1."', '"1e5"', '""', '"\\u0041"', '"\\n\\/\\""'),
    fc.constantFrom('"\\ud83e\\udd8a"', '"\u007f"', '"\\uD7ff\\uE000"'),
  ),
  fc.oneof(
    fc.string({ unit: 'binary', maxLength: 4 }).map((text) => JSON.stringify(text)),
    fc.constantFrom('"\\ud83e"', '"\\udd8a"', '"\\u0000"', '"\\uD83Ex"', '"\\ud83e\\u0041"', '"\\udd8a\\udd8a"'),
    fc.constantFrom('"\\x"', '"\\u12g4"', '"\\u12', '"\t"', "'a'", '"', '"\\'),
  ),
);
const numberText = mostly(
  fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
    fc.integer().map(String),
    fc.constantFrom('0', '-0', '0.0', '19.90', '1e5', '9007199254740993'),
    fc.constantFrom('9'.repeat(99), '9'.repeat(100), '9'.repeat(101)),
  ),
  fc.oneof(
    fc.constantFrom('1E400', '0e-99999', '9'.repeat(400), `0.${'0'.repeat(400)}1`),
    fc.constantFrom('01', '-', '1.', '.5', '+1', '0x1', 'NaN', '-.1', '00', '1.e3', '1-1'),
  ),
);
const wordText = mostly(fc.constantFrom('true', 'false', 'null'), fc.constantFrom('tru', 'nulll', 'True', ''));
const names = [
  'item_id',
  'price',
  'tags',
  'constructor',
  '__proto__',
  'a',
  'b',
  'user_id',
  'ä',
  '',
  'item\\u005fid',
  'x'.repeat(70),
];
const nameText = fc.oneof(fc.constantFrom(...names), fc.string({ maxLength: 3 })).map((name) => `"${name}"`);
const { value, data } = fc.letrec<{ value: string; data: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    stringText,
    numberText,
    wordText,
    container('[]', fc.array(padded(tie('value')), { maxLength: 4 })),
    tie('data'),
  ),
  data: container('{}', fc.array(member(nameText, tie('value')), { maxLength: 4 })),
}));
const purchaseData = container(
  '{}',
  fc
    .tuple(
      member(fc.constant('"item_id"'), mostly(stringText, value)),
      member(fc.constant('"price"'), mostly(fc.oneof(numberText, fc.constant('"19.90"')), value)),
      member(fc.constant('"tags"'), mostly(container('[]', fc.array(padded(stringText), { maxLength: 3 })), value)),
      member(nameText, value),
      member(fc.constant('"constructor"'), value),
    )
    .chain((members) => fc.shuffledSubarray(members, { minLength: 2 })),
);
const nested = fc.integer({ min: 25, max: 35 }).map((depth) => `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`);
const wide = fc.integer({ min: 28, max: 36 }).map((count) => {
  return `{${Array.from({ length: count }, (_, index) => `"m${index}":${index}`).join(',')},"m3":0}`;
});
const limitText = (limit: number) =>
  fc
    .tuple(fc.constantFrom('x', 'ä', '🦊'), fc.constantFrom(1, limit >> 2, limit - 1, limit))
    .map(([character, count]) => JSON.stringify(character.repeat(count)));
const textOf = (limit: number) =>
  mostly(
    fc.oneof(fc.constantFrom('"u-1"', '"shop"', '"ä"'), limitText(limit)),
    fc.oneof(stringText, numberText, data, wordText, fc.constant(`"${'x'.repeat(limit + 1)}"`)),
  );
const dateText = (min: string, max: string) =>
  fc.date({ min: new Date(min), max: new Date(max), noInvalidDate: true }).map((date) => date.toISOString());
const wrongDates = ['2026-02-29', '2026-13-01', '2026-00-10', '2026-10-00', '2026-11-31', '2O26-10-01', '2025-11-24'];
const wrongTimes = ['24:00:00', '23:59:60', '23:60:00', '1:00:000', '10-00:00', '10:00-00', ':0:00:00', '10:0/:00'];
const timestamp = fc.oneof(
  { weight: 9, arbitrary: dateText('2026-01-01', '2026-11-20') },
  { weight: 1, arbitrary: dateText('1969-12-01', '2149-02-01') },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        mostly(fc.constantFrom('2026-02-28', '2026-10-31', '2025-12-01'), fc.constantFrom(...wrongDates)),
        mostly(fc.constant('T'), fc.constantFrom('t', ' ', '_')),
        mostly(fc.constantFrom('10:00:00', '23:59:59', '00:00:00'), fc.constantFrom(...wrongTimes)),
        mostly(
          fc.constantFrom('', '.1', '.123456', '.000001', '.123456789'),
          fc.constantFrom('.', '.1234567890', '.12x', ',5', '.-1', '.1234567x', '0'),
        ),
        mostly(fc.constantFrom('Z', '+02:00'), fc.constantFrom('z', '-00:00', '', '+24:00', 'ZZ')),
      )
      .map((parts) => parts.join('')),
  },
);
const requiredMembers = fc.tuple(
  member(fc.constant('"user_id"'), textOf(256)),
  member(
    fc.constant('"event_type"'),
    mostly(
      fc.constantFrom('"purchase"', '"view"', '"own"'),
      fc.oneof(textOf(128), fc.constantFrom('"refused"', '"not_loaded"')),
    ),
  ),
  member(
    fc.constant('"event_timestamp"'),
    mostly(
      timestamp.map((text) => `"${text}"`),
      value,
    ),
  ),
  member(fc.constant('"event_data"'), mostly(fc.oneof(purchaseData, data), fc.oneof(value, nested, wide))),
);
const optionalMembers = fc.tuple(
  member(fc.constant('"event_id"'), textOf(200)),
  member(fc.constant('"source"'), textOf(256)),
  member(fc.constantFrom('"user_id"', '"event_type"', '"sourcE"', '"x"', '"user\\u005fid"', '"event_dat_"'), value),
);
/** The text of an event, or of what is nearly one. */
export const eventText = container(
  '{}',
  fc
    .tuple(
      requiredMembers,
      fc.subarray([0, 1]),
      optionalMembers,
      fc.integer({ max: 24, min: 0 }),
      fc.integer({ max: 24, min: 0 }),
    )
    .chain(([required, optional, others, extra, missing]) => {
      const members = required.filter((_, index) => index !== missing);
      for (const index of optional) members.push(others[index] as string);
      if (extra === 0) members.push(others[2]);
      return fc.shuffledSubarray(members, { minLength: members.length });
    }),
);

/** What clients send. */
export const usual = Buffer.from(
  '{"event_id":"e-1","user_id":"u-1","event_type":"purchase","event_timestamp":"2026-10-07T10:00:00.123Z",' +
    '"event_data":{"item_id":"4\\u0032","price":"19.90","tags":["a", "ä🦊"],"nested":{"a":[1,-2.5,null,true,{"a":{}}]}},"source":"shop"}',
);
const edits = fc.array(
  fc.record({
    at: fc.nat(),
    remove: fc.nat(3),
    insert: fc.oneof(
      fc.uint8Array({ maxLength: 2 }),
      fc
        .constantFrom(
          '{',
          '}',
          '[',
          ']',
          '"',
          '\\',
          ':',
          ',',
          'null',
          '0',
          '1e400',
          '\\u0000',
          '\\ud800',
          '"user_id":',
          ',"price":1',
          ' ',
          '\n',
          '',
          '\ufeff',
        )
        .map((text) => Buffer.from(text)),
    ),
  }),
  { minLength: 1, maxLength: 3 },
);
/** The bytes of one of these with some of them changed. */
export const edited = fc
  .tuple(
    fc.oneof(
      fc.constant(usual),
      eventText.map((text) => Buffer.from(text)),
    ),
    edits,
  )
  .map(([seed, list]) =>
    list.reduce((before, { at, remove, insert }) => {
      const start = at % (before.length + 1);
      return Buffer.concat([before.subarray(0, start), insert, before.subarray(start + remove)]);
    }, seed),
  );

function padded(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(space, text, space).map((parts) => parts.join(''));
}

function member(name: fc.Arbitrary<string>, content: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(padded(name), padded(content)).map(([before, after]) => `${before}:${after}`);
}

function container(brackets: '[]' | '{}', items: fc.Arbitrary<string[]>): fc.Arbitrary<string> {
  return items.map((texts) => `${brackets.charAt(0)}${texts.join(',')}${brackets.charAt(1)}`);
}
