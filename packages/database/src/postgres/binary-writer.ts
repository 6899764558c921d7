/** timestamptz counts microseconds since 2000-01-01, events since 1970-01-01. */
const POSTGRES_EPOCH_MICROS = 946_684_800_000_000;
const TWO_TO_THE_32 = 0x1_0000_0000;
const MAX_ASCII = 0x7f;

/** Up to here a loop in JavaScript is faster than the call into Node. */
const SHORT_TEXT = 48;
const SHORT_BYTES = 36;

/**
 * Fills a buffer from the left with values in PostgreSQL's binary formats. The caller sees to it that there is room: this
 * is the hottest code between the log and the table, and checks nothing that DataView does not check.
 */
export class BinaryWriter {
  readonly bytes: Buffer;
  /** Where the next byte goes. */
  at: number;
  readonly #view: DataView;

  constructor(size: number, at = 0) {
    this.bytes = Buffer.allocUnsafeSlow(size);
    this.#view = new DataView(this.bytes.buffer, this.bytes.byteOffset, size);
    this.at = at;
  }

  get room(): number {
    return this.bytes.length - this.at;
  }

  int8(value: number): void {
    this.bytes[this.at++] = value;
  }

  int16(value: number): void {
    this.#view.setInt16(this.at, value);
    this.at += 2;
  }

  int32(value: number): void {
    this.#view.setInt32(this.at, value);
    this.at += 4;
  }

  /** Goes back to a place that was left out. */
  int32At(at: number, value: number): void {
    this.#view.setInt32(at, value);
  }

  int64(value: bigint): void {
    this.#view.setBigInt64(this.at, value);
    this.at += 8;
  }

  /** Unix microseconds as timestamptz. In two halves, because a BigInt for each row costs more than the arithmetic. */
  timestamp(unixMicros: number): void {
    const micros = unixMicros - POSTGRES_EPOCH_MICROS;
    const high = Math.floor(micros / TWO_TO_THE_32);
    this.#view.setInt32(this.at, high);
    this.#view.setUint32(this.at + 4, micros - high * TWO_TO_THE_32);
    this.at += 8;
  }

  raw(value: Buffer): void {
    this.slice(value, 0, value.length);
  }

  /** The bytes of `from` from `start` up to `end`. */
  slice(from: Buffer, start: number, end: number): void {
    const { bytes, at } = this;
    const length = end - start;
    if (length <= SHORT_BYTES) for (let i = 0; i < length; i++) bytes[at + i] = from[start + i] as number;
    else from.copy(bytes, at, start, end);
    this.at = at + length;
  }

  /** UTF-8. Takes up to three bytes for each UTF-16 unit. */
  text(value: string): void {
    const { bytes, at } = this;
    if (value.length <= SHORT_TEXT) {
      let i = 0;
      for (; i < value.length; i++) {
        const unit = value.charCodeAt(i);
        if (unit > MAX_ASCII) break;
        bytes[at + i] = unit;
      }
      if (i === value.length) {
        this.at = at + i;
        return;
      }
    }
    this.at = at + bytes.write(value, at);
  }
}
