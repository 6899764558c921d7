import { hash } from 'node:crypto';

/** Enough for the longest parts that the schema of an event allows. */
const USUAL_BYTES = 4096;

/** From here on, until the year 2286, the microseconds since 1970 have 16 digits. */
const FIRST_OF_16_DIGITS = 1e15;
const HALF = 1e8;

/**
 * The bytes that an identity is the hash of: parts, each with its length before it, so that no two lists of parts share their bytes.
 * They are written into memory that is used again and again: an event must not pay for a buffer of its own.
 */
export class IdentityInput {
  #bytes = Buffer.allocUnsafeSlow(USUAL_BYTES);
  #length = 0;
  /** The first bytes of #bytes, by their number: making such a view costs as much as writing what is in it. */
  #views: Buffer[] = [];

  clear(): void {
    this.#length = 0;
  }

  /** Parts that were written before, by another one. */
  prefix(written: Buffer): void {
    this.#makeRoom(written.length);
    this.#copy(written, 0, written.length);
  }

  text(part: string): void {
    const { length } = part;
    // No UTF-16 unit becomes more than 3 bytes.
    this.#makeRoom(4 + 3 * length);
    const bytes = this.#bytes;
    const start = this.#length + 4;
    let at = start;
    for (let index = 0; index < length; index++) {
      const code = part.charCodeAt(index);
      if (code > 0x7f) {
        at = start + bytes.write(part, start);
        break;
      }
      bytes[at++] = code;
    }
    this.#writeLength(at - start);
    this.#length = at;
  }

  /** A text that is UTF-8 already. */
  slice(from: Buffer, start: number, end: number): void {
    this.#makeRoom(4 + end - start);
    this.#writeLength(end - start);
    this.#length += 4;
    this.#copy(from, start, end);
  }

  /** Microseconds since 1970 as decimal text. */
  time(micros: number): void {
    if (micros < FIRST_OF_16_DIGITS) {
      this.text(String(micros));
      return;
    }
    this.#makeRoom(4 + 16);
    this.#writeLength(16);
    const high = Math.floor(micros / HALF);
    this.#writeEightDigits(this.#length + 4, high);
    this.#writeEightDigits(this.#length + 12, micros - high * HALF);
    this.#length += 4 + 16;
  }

  /** The SHA-256 of what was written since clear(), one character a byte: other encodings cost more, and most of all a buffer. */
  digest(): string {
    return hash('sha256', this.#view(), 'binary');
  }

  /** A copy of what was written since clear(). */
  toBuffer(): Buffer {
    return Buffer.from(this.#view());
  }

  #view(): Buffer {
    const length = this.#length;
    let view = this.#views[length];
    if (!view) {
      view = this.#bytes.subarray(0, length);
      this.#views[length] = view;
    }
    return view;
  }

  #writeLength(length: number): void {
    const bytes = this.#bytes;
    const at = this.#length;
    bytes[at] = length >>> 24;
    bytes[at + 1] = length >>> 16;
    bytes[at + 2] = length >>> 8;
    bytes[at + 3] = length;
  }

  #writeEightDigits(start: number, number: number): void {
    const bytes = this.#bytes;
    let rest = number | 0;
    for (let at = start + 7; at >= start; at--) {
      const next = (rest / 10) | 0;
      bytes[at] = 0x30 + rest - next * 10;
      rest = next;
    }
  }

  #copy(from: Buffer, start: number, end: number): void {
    const bytes = this.#bytes;
    let to = this.#length;
    for (let at = start; at < end; at++) bytes[to++] = from[at] as number;
    this.#length = to;
  }

  #makeRoom(more: number): void {
    const wanted = this.#length + more;
    if (wanted <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(2 * wanted);
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
    this.#views = [];
  }
}
