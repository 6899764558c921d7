/** How much waits in the client, and whether more may. */
export class Room {
  readonly #maxEvents: number;
  readonly #maxBytes: number;
  #events = 0;
  #bytes = 0;
  #waiting: (() => void)[] = [];

  constructor(maxEvents: number, maxBytes: number) {
    this.#maxEvents = maxEvents;
    this.#maxBytes = maxBytes;
  }

  get isFull(): boolean {
    return this.#events >= this.#maxEvents || this.#bytes >= this.#maxBytes;
  }

  enter(bytes: number): void {
    this.#events++;
    this.#bytes += bytes;
  }

  leave(bytes: number): void {
    this.#events--;
    this.#bytes -= bytes;
    if (this.#events > this.#maxEvents / 2 || this.#bytes > this.#maxBytes / 2) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }

  /** At once while there is room; once it is full, when half of it is free, so that those who waited do not meet at the last place. */
  async ready(): Promise<void> {
    if (this.isFull) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}
