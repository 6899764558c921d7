import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hexDump } from './hex-dump.ts';
import { printable, printableLines, shorten } from './printable.ts';

test('what a terminal would act on is shown, not sent', () => {
  assert.equal(printable('\u001b[31mred\u0007'), '\\u{1b}[31mred\\u{7}');
  assert.equal(printable('a\nb\r\tc\u0000'), 'a\\nb\\r\\tc\\u{0}');
  assert.equal(printable('\u009b2J \u202egpj.exe \ufeff \u2028'), '\\u{9b}2J \\u{202e}gpj.exe \\u{feff} \\u{2028}');
  assert.equal(printable('half \ud800 pair'), 'half \\u{d800} pair');
  assert.equal(printable('Zoë 🦊 日本 "quoted"'), 'Zoë 🦊 日本 "quoted"');
});

test('lines and tabs of a payload stay, everything else does not', () => {
  assert.equal(printableLines('{\n\t"a": "\u001b[2J"\r\n}'), '{\n\t"a": "\\u{1b}[2J"\\r\n}');
});

test('shortening counts characters, and says that there is more', () => {
  assert.equal(shorten('🦊🦊🦊', 3), '🦊🦊🦊');
  assert.equal(shorten('🦊🦊🦊🦊', 3), '🦊🦊…');
});

test('bytes are dumped in hex with their text, and cut with a note', () => {
  const bytes = Buffer.from('Hello,\0 world! \xff', 'latin1');
  assert.equal(hexDump(bytes, 100), '00000000  48 65 6c 6c 6f 2c 00 20 77 6f 72 6c 64 21 20 ff  |Hello,. world! .|');
  assert.equal(hexDump(bytes, 2), '00000000  48 65                                            |He|\nand 14 bytes more');
  assert.equal(hexDump(Buffer.alloc(17), 100).split('\n').length, 2);
});
