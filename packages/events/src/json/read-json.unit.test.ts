import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parseJson } from '../../../../test/support/parse-json.ts';
import { type JsonReading, readJson } from './read-json.ts';

function read(text: string, spanOf?: string): JsonReading {
  const reading = readJson(Buffer.from(text), spanOf);
  assert.ok(reading.ok, reading.ok ? '' : reading.problem.detail);
  return reading;
}

function problemsOf(text: string): string[] {
  return read(text)
    .problems.toArray()
    .map(({ code, pointer }) => `${code} ${pointer}`);
}

function syntaxError(input: string | Buffer): string {
  const reading = readJson(Buffer.from(input));
  assert.ok(!reading.ok, 'must be refused');
  assert.equal(reading.problem.pointer, '');
  return `${reading.problem.code}: ${reading.problem.detail}`;
}

describe('the grammar', () => {
  test('a break of it is told with line, column and byte, what was expected and what is there', () => {
    const cases: readonly (readonly [text: string, detail: string])[] = [
      ['{', 'Line 1, column 2 (byte 1): expected a member name in double quotes, the text ends.'],
      ['{"a" 1}', 'Line 1, column 6 (byte 5): expected a colon after the member name, found "1".'],
      ['{"a":1 "b":2}', 'Line 1, column 8 (byte 7): expected a comma or the end of the object, found "\\"".'],
      ['{"a":1,}', 'Line 1, column 8 (byte 7): expected a member name in double quotes, found "}".'],
      ['[1 2]', 'Line 1, column 4 (byte 3): expected a comma or the end of the array, found "2".'],
      ['[1,]', 'Line 1, column 4 (byte 3): expected a JSON value, found "]".'],
      ['{}{}', 'Line 1, column 3 (byte 2): expected the end of the text, found "{".'],
      ['{} // done', 'Line 1, column 4 (byte 3): expected the end of the text, found "/".'],
      ['{\n "ä": 1,\n "🦊": x}', 'Line 3, column 7 (byte 21): expected a JSON value, found "x".'],
      ['[01]', 'Line 1, column 3 (byte 2): expected a comma or the end of the array, found "1".'],
      ['[-]', 'Line 1, column 3 (byte 2): expected a digit, found "]".'],
      ['[1.]', 'Line 1, column 4 (byte 3): expected a digit after the decimal point, found "]".'],
      ['[1e+]', 'Line 1, column 5 (byte 4): expected a digit of the exponent, found "]".'],
      ['["\\x"]', 'Line 1, column 4 (byte 3): expected one of " \\ / b f n r t u after a backslash, found "x".'],
      ['["\\v"]', 'Line 1, column 4 (byte 3): expected one of " \\ / b f n r t u after a backslash, found "v".'],
      ['["\\', 'Line 1, column 4 (byte 3): expected one of " \\ / b f n r t u after a backslash, the text ends.'],
      ['["\\u12g4"]', 'Line 1, column 7 (byte 6): expected four hexadecimal digits after \\u, found "g".'],
      [
        '["a\tb"]',
        'Line 1, column 4 (byte 3): expected the rest of a string (control characters must be escaped), found "\\t".',
      ],
      ['nul', 'Line 1, column 1 (byte 0): expected a JSON value, found "n".'],
      ["{'a':1}", 'Line 1, column 2 (byte 1): expected a member name in double quotes, found "\'".'],
      [
        '["é\u2028',
        'Line 1, column 5 (byte 7): expected the rest of a string (control characters must be escaped), the text ends.',
      ],
    ];
    for (const [text, detail] of cases) assert.equal(syntaxError(text), `invalid_json: ${detail}`);
  });

  test('it is checked below the last allowed level too', () => {
    const deep = (content: string) => `${'['.repeat(32)}${content}${']'.repeat(32)}`;
    for (const content of [
      '[1,2 3]',
      '[1,]',
      '[,1]',
      '{"a"}',
      '{"a":}',
      '{"a":1,}',
      '{1:1}',
      '[}',
      '{]',
      '["\\x"]',
      '[01]',
    ]) {
      assert.match(syntaxError(deep(content)), /^invalid_json/, content);
    }
    for (const content of [
      '[]',
      '{}',
      '[[],{}]',
      '[1,[2,{"a":[3,null],"b":"c"}],true]',
      '{"a":{"b":[{}]},"c":-1.5e3}',
      '[ [ ] , { } ]',
    ]) {
      assert.deepEqual(problemsOf(deep(content)), [`nested_too_deep ${'/0'.repeat(32)}`], content);
    }
  });

  test('nothing but white space is an empty body', () => {
    for (const text of ['', ' ', '\r\n\t ']) assert.match(syntaxError(text), /^empty_body/);
  });

  test('a byte order mark and bytes that are not UTF-8 have codes of their own', () => {
    assert.match(syntaxError('\ufeff{}'), /^byte_order_mark/);
    const invalid = Buffer.concat([Buffer.from('{"a":"�ä'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]);
    assert.equal(syntaxError(invalid), 'invalid_utf8: Line 1, column 9 (byte 11): the bytes are not UTF-8.');
    assert.match(syntaxError(Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])), /byte 1\)/);
    assert.match(syntaxError(Buffer.from([0x22, 0xe2, 0x82])), /byte 1\)/);
  });

  test('which are not UTF-8 are told with the first place, also far into a long text', () => {
    const parts = fc.constantFrom('a', 'ü', '€', '😀', '\u00c3', '\u0080', '\u00f0', '\u00e2\u0082');
    const tail = fc.array(parts, { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(tail, fc.nat(16), fc.boolean(), (drawn, before, isLong) => {
        // What is below U+0100 stands for the byte, and the rest for its UTF-8.
        const bytes = Buffer.concat(
          drawn.map((part) => Buffer.from(part, /[^\0-\xff]/.test(part) ? 'utf8' : 'latin1')),
        );
        const padding = (isLong ? 65_536 : 16) - before;
        const text = Buffer.concat([Buffer.alloc(padding, 'x'), bytes]);
        const decoded = text.toString('utf8');
        const at = decoded.indexOf('\ufffd');
        fc.pre(at >= 0);
        const offset = Buffer.byteLength(decoded.slice(0, at));
        assert.match(
          syntaxError(text),
          new RegExp(`^invalid_utf8: Line 1, column ${[...decoded.slice(0, at)].length + 1} \\(byte ${offset}\\)`),
        );
      }),
      { numRuns: 3000 },
    );
  });

  test('it is the grammar of JSON.parse, and so are the values: mutated texts', () => {
    const noise = fc.constantFrom(
      ...'{}[]",:\\/0123456789.eE+-tfnrual \n\t\u0001\u007fäé🦊',
      'true',
      '\\u00e4',
      '1e5',
      '""',
    );
    const edit = fc.record({ at: fc.nat(), remove: fc.nat(3), insert: fc.oneof(fc.constant(''), noise) });
    const text = fc
      .tuple(
        fc.jsonValue({ maxDepth: 4, stringUnit: 'grapheme' }),
        fc.constantFrom('', ' ', '\n\t'),
        fc.array(edit, { maxLength: 4 }),
      )
      .map(([value, indent, edits]) =>
        edits.reduce(
          (json, { at, remove, insert }) => {
            const start = at % (json.length + 1);
            return (json.slice(0, start) + insert + json.slice(start + remove)).toWellFormed();
          },
          JSON.stringify(value, null, indent),
        ),
      );
    fc.assert(
      fc.property(text, (json) => {
        let expected: { value: unknown } | undefined;
        try {
          expected = { value: parseJson(json) };
        } catch {
          expected = undefined;
        }
        const reading = readJson(Buffer.from(json));
        assert.equal(reading.ok, expected !== undefined, json);
        if (reading.ok && reading.problems.length === 0) {
          assert.equal(JSON.stringify(reading.value), JSON.stringify(expected?.value));
        }
      }),
      { numRuns: 3_000 },
    );
  });
});

describe('names and strings', () => {
  test('a name given twice is found at every depth, after unescaping, once for each name', () => {
    assert.deepEqual(problemsOf('{"a":1,"b":{"c":[{"d":1,"\\u0064":2,"d":3}]},"a":2}'), [
      'duplicate_member /b/c/0/d',
      'duplicate_member /a',
    ]);
    assert.deepEqual(problemsOf('{"é":1,"e\u0301":2,"É":3}'), [], 'names are compared by code points');
  });

  test('the names that objects of JavaScript inherit are names as any other', () => {
    const text =
      '{"__proto__":{"polluted":true},"constructor":{"prototype":1},"toString":2,"hasOwnProperty":3,"valueOf":4}';
    const { value, problems } = read(text);
    assert.equal(problems.length, 0);
    assert.equal(JSON.stringify(value), text);
    assert.equal(({} as { polluted?: unknown }).polluted, undefined);
    assert.deepEqual(problemsOf('{"__proto__":1,"__proto__":2,"constructor":1,"constructor":1}'), [
      'duplicate_member /__proto__',
      'duplicate_member /constructor',
    ]);
  });

  test('U+0000 and lone surrogates are found in strings and in names; a problem of a name points to its object', () => {
    assert.deepEqual(problemsOf('{"a":"x\\u0000","b":{"\\u0000":1}}'), ['null_character /a', 'null_character /b']);
    assert.deepEqual(problemsOf('["\\ud800","\\udc00\\ud800",{"\\uDFFF":[1e999]},"\\ud83e\\udd8a","\\\\u0000"]'), [
      'lone_surrogate /0',
      'lone_surrogate /1',
      'lone_surrogate /2',
      'number_out_of_range /2',
    ]);
  });

  test('escapes and UTF-8 are decoded', () => {
    const { value } = read('["\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\ud83e\\uDD8A", "plain", "ä🦊\u007f", "ä\\n"]');
    assert.deepEqual(value, ['"\\/\b\f\n\r\tä🦊', 'plain', 'ä🦊\u007f', 'ä\n']);
  });

  test('names in pointers are escaped as RFC 6901 says, and a very long one is left out with what is inside', () => {
    assert.deepEqual(problemsOf('{"a/b~c":{"":"\\u0000"}}'), ['null_character /a~1b~0c/']);
    assert.deepEqual(problemsOf(`{"a":{"${'x'.repeat(1_000)}":["\\u0000"]}}`), ['null_character /a']);
  });
});

describe('numbers', () => {
  const OK: string[] = [];
  const TOO_LONG = ['number_too_long /0'];
  const OUT_OF_RANGE = ['number_out_of_range /0'];
  const zeros = (count: number) => '0'.repeat(count);
  const cases: readonly (readonly [name: string, number: string, problems: string[]])[] = [
    ['1,000 characters', `0.${zeros(993)}1e900`, OK],
    ['1,001 characters', `0.${zeros(994)}1e900`, TOO_LONG],
    ['the largest double', '1.7976931348623157e308', OK],
    ['the largest double in digits', `17976931348623157${zeros(292)}`, OK],
    ['above the largest double', '1.7976931348623159e308', OUT_OF_RANGE],
    ['above the largest double, negative, in digits', `-1${zeros(309)}`, OUT_OF_RANGE],
    ['the smallest double', '5e-324', OK],
    ['rounds up to the smallest double', '2.5e-324', OK],
    ['rounds down to zero', '2.4e-324', OUT_OF_RANGE],
    ['rounds down to zero without an exponent', `-0.${zeros(330)}1`, OUT_OF_RANGE],
    ['a zero with a large exponent', '0e99999', OK],
    ['a zero with an exponent that PostgreSQL cannot read', '0e2147483648', OUT_OF_RANGE],
    ['a zero with the largest scale', '0e-1400', OK],
    ['a zero beyond the largest scale', '0e-1401', OUT_OF_RANGE],
    ['a zero with fraction digits at the largest scale', '-0.00E-1398', OK],
    ['a zero with fraction digits beyond the largest scale', '0.00E-1399', OUT_OF_RANGE],
    ['digits of the exponent are not those of the number', '0e5', OK],
    ['leading zeros of the exponent', '1e-00000000000000000000000000000001', OK],
    ['an integer beyond 2^53', '9007199254740993', OK],
  ];
  for (const [name, number, problems] of cases) {
    test(`${name}: ${problems[0] ?? 'accepted'}`, () => assert.deepEqual(problemsOf(`[${number}]`), problems));
  }
});

describe('nesting', () => {
  test('32 levels are allowed and 33 are not, for objects and arrays', () => {
    const arrays = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
    const objects = (levels: number) => `${'{"a":'.repeat(levels - 1)}{}${'}'.repeat(levels - 1)}`;
    assert.deepEqual(problemsOf(arrays(32)), []);
    assert.deepEqual(problemsOf(objects(32)), []);
    assert.deepEqual(problemsOf(arrays(33)), [`nested_too_deep ${'/0'.repeat(32)}`]);
    assert.deepEqual(problemsOf(objects(33)), [`nested_too_deep ${'/a'.repeat(32)}`]);
  });

  test('what is inside a place that is too deep is checked for its grammar only', () => {
    const text = `${'['.repeat(32)}{"\\u0000":"\\ud800","a":1e999,"a":2}${']'.repeat(32)}`;
    assert.deepEqual(problemsOf(text), [`nested_too_deep ${'/0'.repeat(32)}`]);
  });

  test('after a place that is too deep reading goes on, and finds the next problems', () => {
    assert.deepEqual(problemsOf(`{"a":${'['.repeat(50_000)}${']'.repeat(50_000)},"b":"\\u0000"}`), [
      `nested_too_deep /a${'/0'.repeat(31)}`,
      'null_character /b',
    ]);
  });
});

describe('the span of a member', () => {
  test('is its bytes as they are written, of the outermost object only', () => {
    const text = '{ "x": {"data": 1}, "d\\u0061ta" : {"ä" : 1.50 } , "y":2}';
    assert.equal(read(text, 'data').span?.toString(), '{"ä" : 1.50 }');
    assert.equal(read('[{"data":1}]', 'data').span, undefined);
    assert.equal(read('{"data":1}').span, undefined);
  });
});

test('problems are bounded: after 100 there is one that says so', () => {
  const problems = read(`[${Array(5_000).fill('"\\u0000"').join()}]`).problems.toArray();
  assert.equal(problems.length, 101);
  assert.equal(problems[99]?.pointer, '/99');
  assert.equal(problems[100]?.code, 'too_many_problems');
});
