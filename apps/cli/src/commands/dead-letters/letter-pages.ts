import type { DeadLetterFilter, DeadLetterStore, StoredDeadLetter } from '@kero/database';

/** Small enough for pages of large payloads, large enough that asking costs little. */
const PAGE_LETTERS = 100;

export interface Selection {
  readonly filter: DeadLetterFilter;
  /** The last letter that there was when the person asked: those that a replay makes must not be replayed in turn. */
  readonly upTo: bigint;
  readonly limit: number | undefined;
}

/** The letters of a selection, oldest first, page by page. */
export async function* letterPages(
  store: Pick<DeadLetterStore, 'read'>,
  { filter, upTo, limit = Number.POSITIVE_INFINITY }: Selection,
): AsyncGenerator<readonly StoredDeadLetter[]> {
  let after = 0n;
  for (let left = limit; left > 0; ) {
    const page = await store.read(filter, { after, upTo, limit: Math.min(left, PAGE_LETTERS) });
    const last = page.at(-1);
    if (!last) return;
    yield page;
    after = last.deadLetterId;
    left -= page.length;
  }
}
