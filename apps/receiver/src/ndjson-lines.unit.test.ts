import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NdjsonLines } from './ndjson-lines.ts';

function linesOf(body: Buffer, maxBlanks?: number): { lines: string[]; code: string | undefined; pauses: number } {
  const items = new NdjsonLines(body, maxBlanks);
  const lines: string[] = [];
  let pauses = 0;
  for (let line = items.next(); line !== undefined; line = items.next()) {
    if (line) lines.push(line.toString('latin1'));
    else pauses++;
  }
  assert.equal(items.next(), undefined, 'the end is the end');
  return { lines, code: items.problem?.code, pauses };
}

test('the lines of any bytes are those between line feeds, without white space around them, and without blank ones', () => {
  const bytes = fc.array(fc.constantFrom(0x0a, 0x0a, 0x0d, 0x20, 0x09, 0x61, 0x7b, 0xc3, 0xa4, 0x0b, 0xa0), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(bytes, fc.integer({ min: 1, max: 10 }), (codes, maxBlanks) => {
      const body = Buffer.from(codes);
      const expected = body
        .toString('latin1')
        .split('\n')
        .map((line) => line.replace(/^[ \t\r]+|[ \t\r]+$/g, ''))
        .filter((line) => line !== '');
      const { lines, code } = linesOf(body, maxBlanks);
      assert.deepEqual(lines, expected);
      assert.equal(code, expected.length === 0 ? 'empty_body' : undefined);
    }),
    { numRuns: 2000 },
  );
});

test('white space, however much, is looked at in pieces', () => {
  const blank = Buffer.alloc(1024 ** 2, '\n');
  const alone = linesOf(blank);
  assert.ok(alone.pauses >= 15, `${alone.pauses} times`);
  assert.equal(alone.code, 'empty_body');
  const around = linesOf(Buffer.concat([blank, Buffer.from('a'), Buffer.alloc(1024 ** 2, ' ')]));
  assert.ok(around.pauses >= 30, `${around.pauses} times`);
  assert.deepEqual(around.lines, ['a']);
  assert.equal(linesOf(Buffer.from('\n a \r\n'.repeat(10_000))).pauses, 0, 'lines are no pieces');
});

test('lines share the memory of the body', () => {
  const body = Buffer.from('a\nb');
  const line = new NdjsonLines(body).next();
  body[0] = 0x63;
  assert.equal(line?.toString(), 'c');
});
