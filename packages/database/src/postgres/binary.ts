/**
 * PostgreSQL's binary formats, as far as events need them. Values travel in binary because text would have to be quoted
 * here and parsed there: a third of the time of a batch.
 */

/** Type ids (pg_type.oid), which are the same in every PostgreSQL. */
export const oid = { bytea: 17, int8: 20, text: 25, timestamptz: 1184, uuid: 2950, jsonb: 3802 } as const;

/** timestamptz counts microseconds since 2000-01-01, events since 1970-01-01. */
const POSTGRES_EPOCH_MICROS = 946_684_800_000_000;

/** Version byte in front of the text of a jsonb in binary. */
export const JSONB_VERSION = 1;

const TWO_TO_THE_32 = 0x1_0000_0000;

/** Writes Unix microseconds as a timestamptz (8 bytes); returns the position after it. Without BigInt: it is hot. */
export function writeTimestamp(target: Buffer, unixMicros: number, at: number): number {
  const micros = unixMicros - POSTGRES_EPOCH_MICROS;
  const high = Math.floor(micros / TWO_TO_THE_32);
  target.writeInt32BE(high, at);
  return target.writeUInt32BE(micros - high * TWO_TO_THE_32, at + 4);
}

/** One array parameter. `write` puts one element at a position and returns the position after it. */
interface ElementType<T> {
  readonly oid: number;
  readonly maxBytes: (value: T) => number;
  readonly write: (target: Buffer, value: T, at: number) => number;
}

export const elementTypes = {
  uuid: { oid: oid.uuid, maxBytes: () => 16, write: writeBytes },
  text: { oid: oid.text, maxBytes: (value) => value.length * 3, write: (to, value, at) => at + to.write(value, at) },
  timestamptz: { oid: oid.timestamptz, maxBytes: () => 8, write: writeTimestamp },
  int8: { oid: oid.int8, maxBytes: () => 8, write: (to, value, at) => to.writeBigInt64BE(value, at) },
  bytea: { oid: oid.bytea, maxBytes: (value) => value.length, write: writeBytes },
  jsonb: {
    oid: oid.jsonb,
    maxBytes: (value) => value.length + 1,
    write: (to, value, at) => writeBytes(to, value, to.writeUInt8(JSONB_VERSION, at)),
  },
} satisfies {
  uuid: ElementType<Buffer>;
  text: ElementType<string>;
  timestamptz: ElementType<number>;
  int8: ElementType<bigint>;
  bytea: ElementType<Buffer>;
  jsonb: ElementType<Buffer>;
};

const ARRAY_HEADER_BYTES = 20;

/** Encodes a one-dimensional array; the pg library sends a Buffer parameter in binary. Null and undefined are SQL NULL. */
export function encodeArray<Item, T>(
  type: ElementType<T>,
  items: readonly Item[],
  valueIn: (item: Item) => T | null | undefined,
): Buffer {
  let maxBytes = ARRAY_HEADER_BYTES;
  let containsNull = 0;
  for (const item of items) {
    const value = valueIn(item);
    maxBytes += 4;
    if (value === null || value === undefined) containsNull = 1;
    else maxBytes += type.maxBytes(value);
  }
  const array = Buffer.allocUnsafe(maxBytes);
  let at = array.writeInt32BE(1, 0);
  at = array.writeInt32BE(containsNull, at);
  at = array.writeInt32BE(type.oid, at);
  at = array.writeInt32BE(items.length, at);
  at = array.writeInt32BE(1, at);
  for (const item of items) {
    const value = valueIn(item);
    if (value === null || value === undefined) {
      at = array.writeInt32BE(-1, at);
      continue;
    }
    const end = type.write(array, value, at + 4);
    array.writeInt32BE(end - at - 4, at);
    at = end;
  }
  return array.subarray(0, at);
}

function writeBytes(target: Buffer, value: Buffer, at: number): number {
  return at + value.copy(target, at);
}
