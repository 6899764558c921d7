import type { LogRecord } from '../messaging.ts';
import type { LogReader, StoredChunk } from './log-reader.ts';
import { decodeRecord, sizeAt, skipRecord } from './record-encoding.ts';

/** Where in a chunk the next record is. */
interface Place {
  readonly chunk: StoredChunk;
  /** Number of the record in its chunk, and its first byte. */
  readonly index: number;
  readonly at: number;
}

/** Reads one partition forwards. Keeps its place within a chunk, so that small batches do not load it again each time. */
export class PartitionCursor {
  readonly #reader: LogReader;
  readonly #partition: number;
  #nextOffset: number;
  #place: Place | undefined;
  /** The last row that nothing more is needed of. */
  #doneSeq = 0;

  constructor(reader: LogReader, partition: number, nextOffset: number) {
    this.#reader = reader;
    this.#partition = partition;
    this.#nextOffset = nextOffset;
  }

  /** The offset that is read next. */
  get nextOffset(): number {
    return this.#nextOffset;
  }

  /**
   * What is there, up to the limits, but at least one record when there is one. Moves past it. Never reads across a gap:
   * only the first record may have another offset than the one that was expected. Throws what SQLite throws, and then has
   * not moved.
   */
  read(maxRecords: number, maxBytes: number): LogRecord[] {
    const records: LogRecord[] = [];
    let nextOffset = this.#nextOffset;
    let doneSeq = this.#doneSeq;
    let place = this.#place ?? this.#find(nextOffset, doneSeq);
    let bytes = 0;
    while (place && records.length < maxRecords) {
      const { chunk, index, at }: Place = place;
      const offset = chunk.baseOffset + index;
      if (offset !== nextOffset && records.length > 0) break;
      bytes += sizeAt(chunk.payload, at);
      if (bytes > maxBytes && records.length > 0) break;
      records.push(decodeRecord(chunk.payload, at, offset, chunk.timestampMs));
      nextOffset = offset + 1;
      place = { chunk, index: index + 1, at: skipRecord(chunk.payload, at) };
      if (place.index < chunk.recordCount) continue;
      doneSeq = chunk.seq;
      place = this.#find(nextOffset, doneSeq);
    }
    this.#place = place;
    this.#doneSeq = doneSeq;
    this.#nextOffset = nextOffset;
    return records;
  }

  #find(offset: number, doneSeq: number): Place | undefined {
    const chunk = this.#reader.chunkHolding(this.#partition, offset, doneSeq);
    let place: Place | undefined = chunk && { chunk, index: 0, at: 0 };
    while (place && place.chunk.baseOffset + place.index < offset) {
      place = { chunk: place.chunk, index: place.index + 1, at: skipRecord(place.chunk.payload, place.at) };
    }
    return place;
  }
}
