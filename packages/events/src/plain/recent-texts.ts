/** One for each length, and lengths that are 16 apart share theirs. */
const PLACES = 16;

/**
 * Texts of which there are few and many events have the same, such as types: of those that came last the string is not made anew.
 * Each is small (a type has at most 128 bytes), so they may stay.
 */
export class RecentTexts {
  readonly #bytes: Buffer[] = Array(PLACES).fill(Buffer.alloc(0));
  readonly #texts: string[] = Array(PLACES).fill('');

  /** The text that these bytes write in UTF-8. */
  read(from: Buffer, start: number, end: number): string {
    const place = (end - start) % PLACES;
    if (isThere(this.#bytes[place] as Buffer, from, start, end)) return this.#texts[place] as string;
    const bytes = Buffer.from(from.subarray(start, end));
    const text = bytes.toString();
    this.#bytes[place] = bytes;
    this.#texts[place] = text;
    return text;
  }
}

function isThere(bytes: Buffer, from: Buffer, start: number, end: number): boolean {
  const { length } = bytes;
  if (length !== end - start) return false;
  for (let index = 0; index < length; index++) if (bytes[index] !== from[start + index]) return false;
  return true;
}
