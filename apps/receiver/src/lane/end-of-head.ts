/** What ends the head of an answer, as node:http writes it: the date, and what becomes of the connection. Made once a second. */
export class EndOfHead {
  readonly #keepAliveSeconds: number;
  #second = Number.NaN;
  #keepAlive = '';
  #close = '';

  constructor(idleTimeoutMs: number) {
    this.#keepAliveSeconds = Math.floor(idleTimeoutMs / 1000);
  }

  text(shouldKeepAlive: boolean): string {
    const second = Math.floor(Date.now() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      const date = `Date: ${new Date(second * 1000).toUTCString()}\r\n`;
      this.#keepAlive = `${date}Connection: keep-alive\r\nKeep-Alive: timeout=${this.#keepAliveSeconds}\r\n\r\n`;
      this.#close = `${date}Connection: close\r\n\r\n`;
    }
    return shouldKeepAlive ? this.#keepAlive : this.#close;
  }
}
