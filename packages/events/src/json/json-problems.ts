import { isUtf8 } from 'node:buffer';
import type { Problem } from '../event.ts';
import type { ProblemCode } from '../problem-codes.ts';
import { quote } from '../problem-list.ts';
import type { JsonSyntaxError } from './json-scanner.ts';

const PIECE_BYTES = 64 * 1024;

/** Why the bytes are no text that JSON can be written in; undefined when they are UTF-8 without a byte order mark. */
export function textProblem(bytes: Buffer): Problem | undefined {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
    return problem('byte_order_mark', 'Send UTF-8 without the byte order mark EF BB BF.');
  }
  if (isUtf8(bytes)) return undefined;
  return problem('invalid_utf8', `${placeOf(bytes, firstInvalidByte(bytes))}: the bytes are not UTF-8.`);
}

/** Where the text leaves the grammar, and what would have been right there. */
export function syntaxProblem(bytes: Buffer, error: JsonSyntaxError): Problem {
  if (isBlank(bytes)) return problem('empty_body', 'There is no JSON text; send one event.');
  const rest = bytes.toString('utf8', error.offset, error.offset + 4);
  const found = rest === '' ? 'the text ends' : `found ${quote(String.fromCodePoint(rest.codePointAt(0) ?? 0))}`;
  return problem('invalid_json', `${placeOf(bytes, error.offset)}: expected ${error.expected}, ${found}.`);
}

function problem(code: ProblemCode, detail: string): Problem {
  return { pointer: '', code, detail };
}

/** Line and column for people (from 1, in characters), byte offset for programs (from 0). */
function placeOf(bytes: Buffer, offset: number): string {
  let line = 1;
  let column = 1;
  for (let at = 0; at < offset; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === 0x0a) {
      line++;
      column = 1;
    } else if ((byte & 0xc0) !== 0x80) column++;
  }
  return `Line ${line}, column ${column} (byte ${offset})`;
}

/** Looked for piece by piece, so that only one piece is decoded however long the text is. */
function firstInvalidByte(bytes: Buffer): number {
  for (let start = 0; start < bytes.length; ) {
    let end = Math.min(start + PIECE_BYTES, bytes.length);
    // A piece ends before the first byte of a character; a valid one has at most three more.
    for (let back = 0; back < 3 && ((bytes[end] ?? 0) & 0xc0) === 0x80; back++) end--;
    // Where there are more than three, the first one too many is within reach.
    if (!isUtf8(bytes.subarray(start, end))) return start + firstInvalidByteOf(bytes.subarray(start, end + 4));
    start = end;
  }
  return bytes.length;
}

/** Decoding puts U+FFFD for what is not UTF-8; the first one that was not written as such is the place. */
function firstInvalidByteOf(piece: Buffer): number {
  let offset = 0;
  for (const character of piece.toString('utf8')) {
    if (character === '\ufffd' && piece.readUIntBE(offset, Math.min(3, piece.length - offset)) !== 0xefbfbd) break;
    offset += Buffer.byteLength(character);
  }
  return offset;
}

function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d);
}
