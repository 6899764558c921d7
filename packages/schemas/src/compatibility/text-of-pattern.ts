/** What of a pattern is still to be read. */
interface Reader {
  readonly characters: readonly string[];
  at: number;
}

const CLASSES: Readonly<Record<string, string>> = { d: '1', w: 'a', s: ' ', D: 'a', W: '-', S: 'a' };
const CONTROLS: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };
const MAX_REPEATS = 1000;
const MAX_LENGTH = 10_000;

/**
 * A short text that a regular expression probably matches: the first of alternatives, the first of a class, as few repetitions as
 * possible and `more` of those that may be more. Only for the usual parts of expressions; whoever asks has to check the text.
 */
export function textOfPattern(pattern: string, more: number): string {
  const reader = { characters: [...pattern], at: 0 };
  let text = '';
  // A closing bracket too many ends an alternative, not the pattern.
  while (reader.at < reader.characters.length) {
    text += alternatives(reader, more);
    reader.at++;
  }
  return text;
}

/** Up to the end of the group, or of the pattern. */
function alternatives(reader: Reader, more: number): string {
  let first = sequence(reader, more);
  while (peek(reader) === '|') {
    reader.at++;
    const next = sequence(reader, more);
    if (first === '') first = next;
  }
  return first;
}

function sequence(reader: Reader, more: number): string {
  let text = '';
  for (let next = peek(reader); next !== undefined && next !== '|' && next !== ')'; next = peek(reader)) {
    const part = atom(reader, more);
    const times = repeats(reader, more);
    text += part.length * times > MAX_LENGTH ? part.slice(0, MAX_LENGTH) : part.repeat(times);
  }
  return text;
}

function atom(reader: Reader, more: number): string {
  const first = take(reader);
  switch (first) {
    case '^':
    case '$':
      return '';
    case '.':
      return 'a';
    case '[':
      return characterClass(reader);
    case '\\':
      return escaped(take(reader));
    case '(': {
      const isLook = /^\?(<?[=!])/.test(reader.characters.slice(reader.at, reader.at + 3).join(''));
      if (peek(reader) === '?') skipGroupName(reader);
      const inner = alternatives(reader, more);
      reader.at++;
      return isLook ? '' : inner;
    }
    default:
      return first;
  }
}

function skipGroupName(reader: Reader): void {
  reader.at++;
  const opener = take(reader);
  if (opener !== '<') return;
  if (peek(reader) === '=' || peek(reader) === '!') reader.at++;
  else while (reader.at < reader.characters.length && take(reader) !== '>');
}

function escaped(letter: string): string {
  if (letter === 'b' || letter === 'B') return '';
  return CLASSES[letter] ?? CONTROLS[letter] ?? letter;
}

/** The first character of a class; of one that excludes, one that is rarely meant. */
function characterClass(reader: Reader): string {
  const isExcluding = peek(reader) === '^';
  if (isExcluding) reader.at++;
  const members: string[] = [];
  for (let next = take(reader); next !== ']' && next !== ''; next = take(reader)) {
    members.push(next === '\\' ? escaped(take(reader)) : next);
  }
  if (!isExcluding) return members[0] ?? '';
  return ['a', '1', 'Z', '~'].find((character) => !members.includes(character)) ?? '';
}

function repeats(reader: Reader, more: number): number {
  const found = /^(?:\*|\+|\?|\{(\d+)(,?)(\d*)\})\??/.exec(reader.characters.slice(reader.at, reader.at + 20).join(''));
  if (!found) return 1;
  reader.at += found[0].length;
  const [sign = ''] = found[0];
  if (sign === '*') return more;
  if (sign === '+') return 1 + more;
  if (sign === '?') return Math.min(1, more);
  const [, least = '0', comma = '', most = ''] = found;
  const limit = comma === '' ? Number(least) : most === '' ? MAX_REPEATS : Number(most);
  return Math.min(MAX_REPEATS, limit, Number(least) + more);
}

function peek({ characters, at }: Reader): string | undefined {
  return characters[at];
}

function take(reader: Reader): string {
  return reader.characters[reader.at++] ?? '';
}
