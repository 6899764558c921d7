export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const REDRAW_MS = 250;
const LINE_MS = 10_000;

/** One line that says how it goes: redrawn on a terminal, a new line every ten seconds elsewhere. */
export class Progress implements Disposable {
  readonly #screen: Screen;
  readonly #describe: () => string;
  readonly #startedAt = performance.now();
  readonly #timer: NodeJS.Timeout;

  constructor(screen: Screen, describe: () => string) {
    this.#screen = screen;
    this.#describe = describe;
    this.#timer = setInterval(() => this.#draw(), screen.isTTY ? REDRAW_MS : LINE_MS);
  }

  /** A line that stays. */
  say(text: string): void {
    this.#screen.write(`${this.#screen.isTTY ? '\r\x1b[K' : ''}${this.#time()}  ${text}\n`);
  }

  #draw(): void {
    const line = `${this.#time()}  ${this.#describe()}`;
    if (this.#screen.isTTY) this.#screen.write(`\r\x1b[K${line.slice(0, (this.#screen.columns ?? 120) - 1)}`);
    else this.#screen.write(`${line}\n`);
  }

  #time(): string {
    const seconds = Math.floor((performance.now() - this.#startedAt) / 1000);
    return `${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}`;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    if (this.#screen.isTTY) this.#screen.write('\r\x1b[K');
  }
}
