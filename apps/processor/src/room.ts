/** A place that one batch has or has not, taken and left in turns. */
export interface Place {
  /** Waits for it. */
  take(): Promise<void>;
  leave(): void;
}

/** Room for so much at a time. Who asks while there is not enough waits, in the order of asking. */
export class Room {
  #free: number;
  readonly #waiting: { readonly size: number; readonly enter: () => void }[] = [];

  constructor(size: number) {
    this.#free = size;
  }

  /** `size`: what it takes up of the room, at most all of it. */
  place(size: number): Place {
    return {
      take: async () => {
        if (this.#waiting.length === 0 && this.#free >= size) this.#free -= size;
        else await new Promise<void>((enter) => this.#waiting.push({ size, enter }));
      },
      leave: () => {
        this.#free += size;
        this.#letIn();
      },
    };
  }

  #letIn(): void {
    for (let first = this.#waiting[0]; first && first.size <= this.#free; first = this.#waiting[0]) {
      this.#waiting.shift();
      this.#free -= first.size;
      first.enter();
    }
  }
}
