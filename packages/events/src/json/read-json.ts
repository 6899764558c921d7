import { isUtf8 } from 'node:buffer';
import type { Problem } from '../event.ts';
import type { ProblemCode } from '../problem-codes.ts';
import { ProblemList, quote } from '../problem-list.ts';
import { JsonReader } from './json-reader.ts';
import { JsonSyntaxError } from './json-scanner.ts';
import type { JsonValue } from './json-value.ts';

export interface JsonReading {
  readonly ok: true;
  readonly value: JsonValue;
  /** What is wrong with the text although it keeps the grammar; more may be added to it. */
  readonly problems: ProblemList;
  /** How many values the text has, so that work on it can be bounded. */
  readonly values: number;
  /** The bytes of the member of the outermost object that was asked for: a view of the input. */
  readonly span: Buffer | undefined;
}

/** The bytes are not one JSON text in UTF-8; reading stopped at the first reason. */
export interface JsonSyntaxProblem {
  readonly ok: false;
  readonly problem: Problem;
}

/** Reads bytes as one JSON text. `spanOf` names a member of the outermost object whose bytes are wanted. Never throws. */
export function readJson(bytes: Buffer, spanOf?: string): JsonReading | JsonSyntaxProblem {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
    return refused('byte_order_mark', 'Send UTF-8 without the byte order mark EF BB BF.');
  }
  if (!isUtf8(bytes)) {
    return refused('invalid_utf8', `${placeOf(bytes, firstInvalidByte(bytes))}: the bytes are not UTF-8.`);
  }
  const problems = new ProblemList();
  const reader = new JsonReader(bytes, problems, spanOf);
  try {
    const value = reader.read();
    return { ok: true, value, problems, values: reader.values, span: reader.span };
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    return isBlank(bytes)
      ? refused('empty_body', 'There is no JSON text; send one event.')
      : syntaxProblem(bytes, error);
  }
}

function refused(code: ProblemCode, detail: string): JsonSyntaxProblem {
  return { ok: false, problem: { pointer: '', code, detail } };
}

function syntaxProblem(bytes: Buffer, error: JsonSyntaxError): JsonSyntaxProblem {
  const rest = bytes.toString('utf8', error.offset, error.offset + 4);
  const found = rest === '' ? 'the text ends' : `found ${quote(String.fromCodePoint(rest.codePointAt(0) ?? 0))}`;
  return refused('invalid_json', `${placeOf(bytes, error.offset)}: expected ${error.expected}, ${found}.`);
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

/** Decoding puts U+FFFD for what is not UTF-8; the first one that was not written as such is the place. */
function firstInvalidByte(bytes: Buffer): number {
  let offset = 0;
  for (const character of bytes.toString('utf8')) {
    if (character === '\ufffd' && bytes.readUIntBE(offset, Math.min(3, bytes.length - offset)) !== 0xefbfbd) break;
    offset += Buffer.byteLength(character);
  }
  return offset;
}

function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d);
}
