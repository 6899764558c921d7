const SEVEN_BITS = 0x7f;
/** Seven bytes of a varint hold 49 bits, which a number holds exactly. */
const MAX_BYTES_AS_NUMBER = 7;
const MAX_BYTES = 10;

/**
 * Reads the fields of Kafka's records one after the other. Every method throws DataError when the data ends within the
 * field, or when the field makes no sense.
 */
export class ByteCursor {
  readonly buffer: Buffer;
  position = 0;

  constructor(buffer: Buffer) {
    this.buffer = buffer;
  }

  get remaining(): number {
    return this.buffer.length - this.position;
  }

  /** Passes so many bytes and returns where they began. */
  skip(bytes: number): number {
    if (bytes < 0 || bytes > this.remaining) throw new DataError(`${bytes} bytes are said to follow`);
    const start = this.position;
    this.position += bytes;
    return start;
  }

  /** A signed number of 32 bits in zigzag encoding, as the records have their lengths. */
  varint(): number {
    const first = this.buffer[this.position];
    if (first === undefined || first > SEVEN_BITS) return this.#longVarint();
    this.position++;
    return (first >>> 1) ^ -(first & 1);
  }

  #longVarint(): number {
    let bits = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.buffer[this.position++];
      if (byte === undefined) throw new DataError('the data ends within a number');
      bits |= (byte & SEVEN_BITS) << shift;
      if (byte <= SEVEN_BITS) return (bits >>> 1) ^ -(bits & 1);
    }
    throw new DataError('a number is longer than 32 bits');
  }

  /** A signed number of 64 bits in zigzag encoding; a bigint only where a number might not hold it. */
  varlong(): number | bigint {
    const start = this.position;
    let unsigned = 0;
    let factor = 1;
    for (let n = 0; n < MAX_BYTES_AS_NUMBER; n++) {
      const byte = this.buffer[this.position++];
      if (byte === undefined) throw new DataError('the data ends within a number');
      unsigned += (byte & SEVEN_BITS) * factor;
      if (byte <= SEVEN_BITS) return unsigned % 2 === 0 ? unsigned / 2 : -(unsigned + 1) / 2;
      factor *= 128;
    }
    this.position = start;
    return this.#longVarlong();
  }

  #longVarlong(): bigint {
    let unsigned = 0n;
    for (let n = 0; n < MAX_BYTES; n++) {
      const byte = this.buffer[this.position++];
      if (byte === undefined) throw new DataError('the data ends within a number');
      unsigned |= BigInt(byte & SEVEN_BITS) << BigInt(7 * n);
      if (byte <= SEVEN_BITS) {
        const bits = BigInt.asUintN(64, unsigned);
        return BigInt.asIntN(64, (bits >> 1n) ^ -(bits & 1n));
      }
    }
    throw new DataError('a number is longer than 64 bits');
  }

  /** Passes a field that begins with its length, which may be -1 for none. */
  skipField(): void {
    const length = this.varint();
    if (length !== -1) this.skip(length);
  }

  /** The bytes of a field that begins with its length, as a view; null for none. */
  field(): Buffer | null {
    const length = this.varint();
    if (length === -1) return null;
    const start = this.skip(length);
    return this.buffer.subarray(start, this.position);
  }
}

/** What a broker sent makes no sense. */
export class DataError extends Error {
  override readonly name = 'DataError';
}
