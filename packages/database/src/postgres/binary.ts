import { BinaryWriter } from './binary-writer.ts';

/**
 * PostgreSQL's binary formats, as far as events need them. Values travel in binary because text would have to be quoted
 * here and parsed there.
 */

/** Type ids (pg_type.oid), which are the same in every PostgreSQL. */
const oid = { bytea: 17, int8: 20, text: 25, timestamptz: 1184, uuid: 2950, jsonb: 3802 } as const;

/** What a uuid takes. */
export const UUID_BYTES = 16;

/** Version byte in front of the text of a jsonb in binary. */
export const JSONB_VERSION = 1;

/** How the elements of an array parameter are written. */
export interface ElementType<T> {
  readonly oid: number;
  readonly maxBytes: (value: T) => number;
  readonly write: (to: BinaryWriter, value: T) => void;
}

const bytes = { maxBytes: (value: Buffer) => value.length, write: (to: BinaryWriter, value: Buffer) => to.raw(value) };

export const elementTypes = {
  uuid: { oid: oid.uuid, ...bytes },
  bytea: { oid: oid.bytea, ...bytes },
  text: { oid: oid.text, maxBytes: (value: string) => value.length * 3, write: (to, value) => to.text(value) },
  timestamptz: { oid: oid.timestamptz, maxBytes: () => 8, write: (to, value) => to.timestamp(value) },
  int8: { oid: oid.int8, maxBytes: () => 8, write: (to, value) => to.int64(value) },
  jsonb: {
    oid: oid.jsonb,
    maxBytes: (value) => value.length + 1,
    write: (to, value) => {
      to.int8(JSONB_VERSION);
      to.raw(value);
    },
  },
} satisfies {
  uuid: ElementType<Buffer>;
  bytea: ElementType<Buffer>;
  text: ElementType<string>;
  timestamptz: ElementType<number>;
  int8: ElementType<bigint>;
  jsonb: ElementType<Buffer>;
};

const ARRAY_HEADER_BYTES = 20;
const LENGTH_BYTES = 4;
const NULL_LENGTH = -1;

/** Encodes a one-dimensional array; the pg library sends a Buffer parameter in binary. Null and undefined are SQL NULL. */
export function encodeArray<Item, T>(
  type: ElementType<T>,
  items: readonly Item[],
  valueIn: (item: Item) => T | null | undefined,
): Buffer {
  let size = ARRAY_HEADER_BYTES + items.length * LENGTH_BYTES;
  let containsNull = 0;
  for (const item of items) {
    const value = valueIn(item);
    if (value === null || value === undefined) containsNull = 1;
    else size += type.maxBytes(value);
  }
  const array = new BinaryWriter(size);
  array.int32(1);
  array.int32(containsNull);
  array.int32(type.oid);
  array.int32(items.length);
  array.int32(1);
  for (const item of items) {
    const value = valueIn(item);
    const lengthAt = array.at;
    array.int32(NULL_LENGTH);
    if (value === null || value === undefined) continue;
    type.write(array, value);
    array.int32At(lengthAt, array.at - lengthAt - LENGTH_BYTES);
  }
  return array.bytes.subarray(0, array.at);
}

/** One timestamptz as a parameter. */
export function encodeTimestamp(unixMicros: number): Buffer {
  const parameter = new BinaryWriter(8);
  parameter.timestamp(unixMicros);
  return parameter.bytes;
}
