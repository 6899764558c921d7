import { UUID_TEXT_BYTES, writeUuid } from '@kero/events';

/** Ids in one piece of memory. */
const PAGE_IDS = 256;
const QUOTE = 0x22;
const COMMA = 0x2c;

/** The quotes around an id and the comma behind it. */
const ID_BYTES = UUID_TEXT_BYTES + 3;

/**
 * The ids of the events of one batch as they stand in its answer, `"0199...","0199...",`: the bytes that the records have as a
 * header are those that are sent to the client. An item without an id leaves its place empty.
 */
export class IdTexts {
  readonly #pages: Buffer[] = [];

  /** Writes the id of the item with this index; the result is a view of its text. */
  write(index: number, id: Buffer): Buffer {
    const number = Math.floor(index / PAGE_IDS);
    let page = this.#pages[number];
    if (!page) {
      page = Buffer.allocUnsafeSlow(PAGE_IDS * ID_BYTES);
      this.#pages[number] = page;
    }
    const start = (index % PAGE_IDS) * ID_BYTES;
    const end = start + 1 + UUID_TEXT_BYTES;
    page[start] = QUOTE;
    writeUuid(id, page, start + 1);
    page[end] = QUOTE;
    page[end + 1] = COMMA;
    return page.subarray(start + 1, end);
  }

  /** The id of an item that has one, in quotes. */
  quoted(index: number): string {
    const page = this.#pages[Math.floor(index / PAGE_IDS)] as Buffer;
    const start = (index % PAGE_IDS) * ID_BYTES;
    return page.toString('latin1', start, start + ID_BYTES - 1);
  }

  /** The first `count` ids with commas between them, where all those items have one. */
  pieces(count: number): Buffer[] {
    const pieces: Buffer[] = [];
    for (let first = 0; first < count; first += PAGE_IDS) {
      const page = this.#pages[first / PAGE_IDS] as Buffer;
      const ids = Math.min(PAGE_IDS, count - first);
      pieces.push(page.subarray(0, ids * ID_BYTES - (first + ids === count ? 1 : 0)));
    }
    return pieces;
  }
}
