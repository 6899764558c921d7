import { type AnswerKind, headerLines } from '../answer-kind.ts';
import type { Answer } from '../exchange.ts';

/** Where the answers of a connection go. */
export interface AnswerSink {
  /** The end of a head: the date, and what becomes of the connection. */
  endOfHead(shouldKeepAlive: boolean): string;
  /** This answer has something to write, or is complete. */
  onOutput(): void;
  /** Ends the connection at once. */
  destroy(): void;
}

/** The answer to a request of the lane: the bytes that node:http would send. They wait for their turn. */
export class LaneAnswer implements Answer {
  shouldKeepAlive = true;
  headersSent = false;
  writableFinished = false;
  destroyed = false;
  /** Complete: nothing more is added to it. */
  isEnded = false;
  readonly #sink: AnswerSink;
  #output: string | Buffer = '';
  /** Of the output: every character is a byte. */
  #isLatin1 = true;
  #onClose: (() => void)[] | undefined;

  constructor(sink: AnswerSink) {
    this.#sink = sink;
  }

  begin(kind: AnswerKind, own: readonly string[], body: string | Buffer): void {
    this.headersSent = true;
    const length = Buffer.byteLength(body);
    const head = `${kind.text}content-length: ${length}\r\n${headerLines(own)}${this.#sink.endOfHead(this.shouldKeepAlive)}`;
    if (typeof body === 'string') {
      this.#output = head + body;
      // Text of as many bytes as characters is ASCII, and cheaper to write as such.
      this.#isLatin1 = length === body.length;
    } else this.#output = Buffer.concat([Buffer.from(head, 'latin1'), body]);
    this.#sink.onOutput();
  }

  send(kind: AnswerKind, own: readonly string[], body: string | Buffer): void {
    this.isEnded = true;
    this.begin(kind, own, body);
  }

  end(): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.#sink.onOutput();
  }

  once(_event: 'close', listener: () => void): void {
    this.#onClose ??= [];
    this.#onClose.push(listener);
  }

  off(_event: 'close', listener: () => void): void {
    this.#onClose = this.#onClose?.filter((one) => one !== listener);
  }

  destroy(): void {
    this.#sink.destroy();
  }

  get encoding(): 'latin1' | 'utf8' {
    return this.#isLatin1 ? 'latin1' : 'utf8';
  }

  /** Whether somebody wants to know when it has left. */
  get isWatched(): boolean {
    return this.#onClose !== undefined;
  }

  /** What has to be written now; nothing is an empty text. */
  takeOutput(): string | Buffer {
    const output = this.#output;
    this.#output = '';
    return output;
  }

  /** All of it was handed to the system. */
  finish(): void {
    this.writableFinished = true;
    this.close();
  }

  /** Nothing more of it will leave. */
  close(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    const listeners = this.#onClose;
    this.#onClose = undefined;
    if (listeners) for (const listener of listeners) listener();
  }
}
