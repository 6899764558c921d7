const LONGEST_STAY = 64;

/**
 * Which way the next batch goes: `copy` at once, hoping that all of its events are new, or `look` first which ones are
 * there, a third slower. A COPY that is refused has cost most of a batch for nothing, so after one the next batches look:
 *
 *   copy --refused--> look (for `stay` batches; `stay` doubles) --`stay` batches later--> copy
 *
 * Each COPY that goes through shortens the next stay, so that rare duplicates cost little, and a stream full of them
 * tries COPY only once in a while.
 */
export class WriteMode {
  #stay = 1;
  #looksLeft = 0;

  /** Asked once for each batch. */
  next(): 'copy' | 'look' {
    if (this.#looksLeft === 0) return 'copy';
    this.#looksLeft--;
    return 'look';
  }

  copySucceeded(): void {
    this.#stay = Math.max(1, this.#stay - 1);
  }

  copyRefused(): void {
    this.#stay = Math.min(LONGEST_STAY, this.#stay * 2);
    this.#looksLeft = this.#stay;
  }
}
