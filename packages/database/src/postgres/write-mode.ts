const LONGEST_STAY = 64;

/**
 * Which way the next batch goes: by COPY, or by INSERT ... ON CONFLICT DO NOTHING, which is a quarter slower but takes
 * repeated events. A COPY that is refused has cost most of a batch for nothing, so after one the next batches are inserted:
 *
 *   copying --a COPY is refused--> inserting (for `stay` batches; `stay` doubles) --`stay` batches later--> copying
 *
 * Each COPY that goes through shortens the next stay, so that rare duplicates cost little, and a stream full of them
 * tries COPY only once in a while.
 */
export class WriteMode {
  #stay = 1;
  #insertsLeft = 0;

  /** Asked once for each batch. */
  next(): 'copy' | 'insert' {
    if (this.#insertsLeft === 0) return 'copy';
    this.#insertsLeft--;
    return 'insert';
  }

  copySucceeded(): void {
    this.#stay = Math.max(1, this.#stay - 1);
  }

  copyRefused(): void {
    this.#stay = Math.min(LONGEST_STAY, this.#stay * 2);
    this.#insertsLeft = this.#stay;
  }
}
