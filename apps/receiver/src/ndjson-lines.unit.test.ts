import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NdjsonLines } from './ndjson-lines.ts';

function linesOf(body: Buffer): { lines: string[]; code: string | undefined } {
  const items = new NdjsonLines(body);
  const lines: string[] = [];
  for (let line = items.next(); line !== undefined; line = items.next()) lines.push(line.toString('latin1'));
  assert.equal(items.next(), undefined, 'the end is the end');
  return { lines, code: items.problem?.code };
}

test('the lines of any bytes are those between line feeds, without white space around them, and without blank ones', () => {
  const bytes = fc.array(fc.constantFrom(0x0a, 0x0a, 0x0d, 0x20, 0x09, 0x61, 0x7b, 0xc3, 0xa4, 0x0b, 0xa0), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(bytes, (codes) => {
      const body = Buffer.from(codes);
      const expected = body
        .toString('latin1')
        .split('\n')
        .map((line) => line.replace(/^[ \t\r]+|[ \t\r]+$/g, ''))
        .filter((line) => line !== '');
      const { lines, code } = linesOf(body);
      assert.deepEqual(lines, expected);
      assert.equal(code, expected.length === 0 ? 'empty_body' : undefined);
    }),
    { numRuns: 2000 },
  );
});

test('lines share the memory of the body', () => {
  const body = Buffer.from('a\nb');
  const line = new NdjsonLines(body).next();
  body[0] = 0x63;
  assert.equal(line?.toString(), 'c');
});
