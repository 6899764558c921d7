import { connect, type Socket } from 'node:net';

/** Called once for each answer; `undefined` when the connection broke before it. */
export type OnAnswer = (status: number | undefined) => void;

const HEAD_END = Buffer.from('\r\n\r\n');
const STATUS_AT = 'HTTP/1.1 '.length;
const RECONNECT_AFTER_MS = 20;

/**
 * A keep-alive connection that sends bytes and reads only as much of the answer as it takes to know where it ends. An HTTP library
 * would cost as much as the server that is measured.
 */
export class HttpConnection {
  readonly #port: number;
  #socket: Socket | undefined;
  #received: Buffer | undefined;
  #waiting: OnAnswer | undefined;
  #closed = false;

  constructor(port: number) {
    this.#port = port;
  }

  /** Resolves when it is connected; tries again while nobody listens. */
  async connect(): Promise<void> {
    while (!this.#closed) {
      const socket = connect({ port: this.#port, host: '127.0.0.1', noDelay: true });
      const isConnected = await new Promise<boolean>((resolve) => {
        socket.once('connect', () => resolve(true));
        socket.once('error', () => resolve(false));
      });
      if (isConnected) return this.#use(socket);
      await new Promise((resolve) => setTimeout(resolve, RECONNECT_AFTER_MS));
    }
  }

  get isConnected(): boolean {
    return this.#socket !== undefined;
  }

  /** One at a time: the next one after the answer. */
  send(request: Buffer, onAnswer: OnAnswer): void {
    this.#waiting = onAnswer;
    if (this.#socket) this.#socket.write(request);
    else this.#settle(undefined);
  }

  close(): void {
    this.#closed = true;
    this.#socket?.destroy();
  }

  #use(socket: Socket): void {
    this.#socket = socket;
    this.#received = undefined;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#socket = undefined;
      this.#settle(undefined);
    });
  }

  #read(chunk: Buffer): void {
    const bytes = this.#received === undefined ? chunk : Buffer.concat([this.#received, chunk]);
    this.#received = bytes;
    const headEnd = bytes.indexOf(HEAD_END);
    if (headEnd < 0) return;
    const [, length] = /\r\ncontent-length: *(\d+)/i.exec(bytes.toString('latin1', 0, headEnd)) ?? [];
    if (length === undefined) {
      this.#socket?.destroy();
      return;
    }
    if (bytes.length < headEnd + HEAD_END.length + Number(length)) return;
    this.#received = undefined;
    this.#settle(Number(bytes.toString('latin1', STATUS_AT, STATUS_AT + 3)));
  }

  #settle(status: number | undefined): void {
    const onAnswer = this.#waiting;
    this.#waiting = undefined;
    onAnswer?.(status);
  }
}
