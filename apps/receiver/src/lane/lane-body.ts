import type { BodyListener, IncomingBody } from '../exchange.ts';

/** The body of a request of the lane: so many bytes. What comes after the first piece while nobody listens is dropped. */
export class LaneBody implements IncomingBody {
  readonly declaredBytes: number;
  readonly isAwaited = false;
  #left: number;
  #first: Buffer;
  #isBroken = false;
  readonly #listeners: BodyListener[] = [];
  readonly #onListen: () => void;

  /** `first`: what came with the head. */
  constructor(declaredBytes: number, first: Buffer, onListen: () => void) {
    this.declaredBytes = declaredBytes;
    this.#first = first;
    this.#left = declaredBytes - first.length;
    this.#onListen = onListen;
  }

  get complete(): boolean {
    return this.#left === 0;
  }

  get destroyed(): boolean {
    return this.#isBroken;
  }

  get isListenedTo(): boolean {
    return this.#listeners.length > 0;
  }

  listen(listener: BodyListener): void {
    if (this.#isBroken) {
      listener.onBroken();
      return;
    }
    const first = this.#first;
    this.#first = NOTHING;
    this.#listeners.push(listener);
    if (first.length > 0) listener.onData(first);
    if (this.#left === 0) listener.onEnd();
    else this.#onListen();
  }

  /** Takes of a chunk what belongs to the body, and tells how many bytes that was. */
  take(chunk: Buffer): number {
    const bytes = Math.min(this.#left, chunk.length);
    this.#left -= bytes;
    const part = bytes === chunk.length ? chunk : chunk.subarray(0, bytes);
    for (const listener of this.#listeners) listener.onData(part);
    if (this.#left === 0) for (const listener of this.#listeners) listener.onEnd();
    return bytes;
  }

  /** The connection is closed. */
  break(): void {
    if (this.#left === 0 || this.#isBroken) return;
    this.#isBroken = true;
    for (const listener of this.#listeners) listener.onBroken();
  }
}

const NOTHING = Buffer.alloc(0);
