/** Together 4 MiB. Repeats come mostly within seconds, from clients that try again. */
const BUCKETS = 1 << 17;
const BUCKET_SIZE = 8;

/**
 * The ids that this process has lately tried to store, as far as they are remembered: 30 bits of each, in a bucket that 17
 * others of it give, where the ninth takes the place of the oldest. After 300,000 others two of 1,000 are forgotten, after a
 * million half of them. So it may say of an event that it is new although it is not, and once in 2^27 times the other way
 * round. It only tells which events to look up before the rest is copied.
 */
export class RecentIds {
  /** The newest of a bucket first. */
  readonly #marks = new Uint32Array(BUCKETS * BUCKET_SIZE);

  /**
   * Whether the id was met before; from now on it was. `words`: four of each id, from `at` on. Of these the first two are the
   * time and what says which kind of UUID it is, the others are of a hash (docs/identity.md).
   */
  meet(words: Uint32Array, at: number): boolean {
    const marks = this.#marks;
    const mark = words[at + 2] as number;
    const start = ((words[at + 3] as number) & (BUCKETS - 1)) * BUCKET_SIZE;
    const end = start + BUCKET_SIZE;
    for (let i = start; i < end; i++) if (marks[i] === mark) return true;
    for (let i = end - 1; i > start; i--) marks[i] = marks[i - 1] as number;
    marks[start] = mark;
    return false;
  }
}
