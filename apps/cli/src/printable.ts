/** Everything that a terminal would act on or show as something else: control, format and private characters, halves of pairs. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}\u2028\u2029]/gu;
const UNPRINTABLE_BUT_LINES = /(?![\n\t])[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}\u2028\u2029]/gu;

const KNOWN: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Text that strangers wrote, safe for a terminal and on one line. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, escapeCharacter);
}

/** The same, with its line ends and tabs. */
export function printableLines(text: string): string {
  return text.replace(UNPRINTABLE_BUT_LINES, escapeCharacter);
}

/** At most so many characters; an ellipsis stands for the rest. */
export function shorten(text: string, length: number): string {
  const characters = [...text];
  return characters.length <= length ? text : `${characters.slice(0, length - 1).join('')}…`;
}

function escapeCharacter(character: string): string {
  return KNOWN[character] ?? `\\u{${character.codePointAt(0)?.toString(16)}}`;
}
