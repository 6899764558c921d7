/** How fast a bucket fills, and how much it holds. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

interface Bucket {
  tokens: number;
  /** When that was so. */
  atMs: number;
}

/** Less than this is missing through rounding only. */
const TOLERANCE = 1e-6;

/**
 * A token bucket for each key. It may go below nothing (`take` asks nobody), and is paid back before there is more.
 *
 * Memory is bounded: of all keys at most `2 * maxKeys` are remembered, those used last. Who is forgotten has a full bucket
 * again; to make use of that takes more than `maxKeys` keys, each of which has a burst of its own anyway.
 */
export class TokenBuckets {
  readonly #rate: Rate;
  readonly #now: () => number;
  readonly #maxKeys: number;
  #recent = new Map<string, Bucket>();
  #older = new Map<string, Bucket>();

  /** `now`: monotonic, in milliseconds. */
  constructor(options: { readonly rate: Rate; readonly now: () => number; readonly maxKeys: number }) {
    this.#rate = options.rate;
    this.#now = options.now;
    this.#maxKeys = options.maxKeys;
  }

  /** How many keys are remembered. */
  get size(): number {
    return this.#recent.size + this.#older.size;
  }

  /** What is in the bucket; below zero where more was taken. */
  left(key: string): number {
    const bucket = this.#recent.get(key) ?? this.#older.get(key);
    return bucket ? this.#tokensOf(bucket) : this.#rate.burst;
  }

  /** Gives what is left. */
  take(key: string, amount: number): number {
    const recent = this.#recent.get(key);
    if (recent) return this.#takeOf(recent, amount);
    const bucket = this.#older.get(key) ?? { tokens: this.#rate.burst, atMs: this.#now() };
    this.#older.delete(key);
    this.#remember(key, bucket);
    return this.#takeOf(bucket, amount);
  }

  /** Seconds until the bucket holds so much; 0: it does. */
  secondsUntil(key: string, amount: number): number {
    return this.secondsFrom(this.left(key), amount);
  }

  /** The same, where it is known what is left. */
  secondsFrom(left: number, amount: number): number {
    const missing = amount - left;
    return missing <= TOLERANCE ? 0 : missing / this.#rate.perSecond;
  }

  #takeOf(bucket: Bucket, amount: number): number {
    bucket.tokens = this.#tokensOf(bucket) - amount;
    bucket.atMs = this.#now();
    return bucket.tokens;
  }

  #tokensOf({ tokens, atMs }: Bucket): number {
    return Math.min(this.#rate.burst, tokens + ((this.#now() - atMs) / 1000) * this.#rate.perSecond);
  }

  #remember(key: string, bucket: Bucket): void {
    if (this.#recent.size >= this.#maxKeys) {
      this.#older = this.#recent;
      this.#recent = new Map();
    }
    this.#recent.set(key, bucket);
  }
}
