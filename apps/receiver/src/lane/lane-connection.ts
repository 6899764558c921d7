import type { Socket } from 'node:net';
import type { Connection } from '../connections.ts';
import type { Answer, IncomingBody, RequestHead } from '../exchange.ts';
import type { EndOfHead } from './end-of-head.ts';
import { HeadReader, type LaneHead } from './head-reader.ts';
import { type AnswerSink, LaneAnswer } from './lane-answer.ts';
import { LaneBody } from './lane-body.ts';

/** Requests of one connection that may be here without an answer; who sends further ahead is handed over. */
const MAX_AHEAD = 8;

export interface LaneSettings {
  readonly maxHeaders: number;
  readonly maxHeaderBytes: number;
  readonly headerTimeoutMs: number;
  readonly bodyTimeoutMs: number;
  readonly idleTimeoutMs: number;
}

/** A request as the lane, or node:http, has read it. */
export interface Incoming {
  readonly request: RequestHead;
  readonly body: IncomingBody;
  readonly response: Answer;
  readonly socket: Socket;
  readonly connection: Connection | undefined;
}

export interface LaneDependencies {
  readonly settings: LaneSettings;
  readonly endOfHead: EndOfHead;
  /** How much longer than is said a connection may be idle: a request that is on its way then is not cut off. */
  readonly idleGraceMs: number;
  /** Begins to serve a request; false: nobody will answer it, or any that comes behind it. */
  readonly serve: (incoming: Incoming) => boolean;
  /** What came breaks the rules of HTTP, or came too slowly: as `clientError` of node:http. */
  readonly onClientError: (error: NodeJS.ErrnoException, socket: Socket) => void;
  /** Gives a connection to node:http, for good. */
  readonly handOver: (socket: Socket) => void;
  readonly onGone: (connection: LaneConnection) => void;
}

/**
 * One connection as long as it sends nothing but the usual request. Its answers leave in the order of the requests. With the first
 * bytes that are something else, or not a whole head, it waits for the answers that are due and is handed over to node:http.
 *
 *   idle --head--> reading a body --all of it came--> answering --all answers are written--> idle
 *   idle, answering --anything else--> leaving --all answers are written--> handed over
 */
export class LaneConnection implements AnswerSink {
  readonly #socket: Socket;
  readonly #connection: Connection;
  readonly #deps: LaneDependencies;
  readonly #heads: HeadReader;
  /** Answers that are not written in whole, in the order of their requests. */
  readonly #answers: LaneAnswer[] = [];
  /** The body that is still coming, of the request that came last. */
  #body: LaneBody | undefined;
  /** What node:http will get: while it is there, nothing is read. */
  #rest: Buffer | undefined;
  /** Whatever else comes is for nobody. */
  #isDeaf = false;
  #hasEnded = false;
  /** When it was first seen to wait for its client; undefined: not yet, or it does not. */
  #waitingSince: number | undefined;

  constructor(connection: Connection, deps: LaneDependencies) {
    this.#connection = connection;
    this.#socket = connection.socket;
    this.#deps = deps;
    this.#heads = new HeadReader(deps.settings);
    this.#socket.on('data', this.#onData);
    this.#socket.on('end', this.#onEnd);
    this.#socket.on('error', ignore);
    this.#socket.on('close', this.#onClose);
  }

  /** Closes it when its client keeps it waiting for too long. Called every now and then; `nowMs`: monotonic. */
  look(nowMs: number): void {
    if (this.#body ? this.#isOurTurn() : this.#answers.length > 0) {
      this.#waitingSince = undefined;
      return;
    }
    this.#waitingSince ??= nowMs;
    if (nowMs - this.#waitingSince < this.#patienceMs) return;
    if (this.#body) this.#fail('ERR_HTTP_REQUEST_TIMEOUT');
    else this.#socket.destroy();
  }

  /** Closes it if it is between two requests. */
  closeIdle(): void {
    const isIdle = this.#body === undefined && this.#answers.length === 0;
    if (isIdle && this.#connection.requests > 0) this.#socket.destroy();
  }

  endOfHead(shouldKeepAlive: boolean): string {
    return this.#deps.endOfHead.text(shouldKeepAlive);
  }

  onOutput(): void {
    for (let answer = this.#answers[0]; answer !== undefined; answer = this.#answers[0]) {
      this.#write(answer);
      if (!answer.isEnded) return;
      this.#answers.shift();
      if (!answer.shouldKeepAlive) {
        this.#end();
        return;
      }
    }
    this.#waitingSince = undefined;
    // Of a request that was refused the rest is read and dropped.
    if (this.#body) this.#goOn();
    else if (this.#hasEnded) this.#end();
    else if (this.#rest) this.#handOver(this.#rest);
  }

  destroy(): void {
    this.#socket.destroy();
  }

  get #patienceMs(): number {
    const { bodyTimeoutMs, headerTimeoutMs, idleTimeoutMs } = this.#deps.settings;
    if (this.#body) return bodyTimeoutMs;
    return this.#connection.requests === 0 ? headerTimeoutMs : idleTimeoutMs + this.#deps.idleGraceMs;
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#isDeaf || this.#connection.broken) return;
    let at = 0;
    if (this.#body) {
      at = this.#body.take(chunk);
      if (!this.#body.complete) return;
      this.#body = undefined;
      this.#waitingSince = undefined;
    }
    while (at < chunk.length && !this.#isDeaf) {
      const head = this.#canTakeMore() ? this.#heads.read(chunk, at) : undefined;
      const end = head && at + head.headBytes + head.bodyBytes;
      // Who sends ahead in one piece is served side by side there.
      if (head === undefined || end === undefined || (end < chunk.length && this.#answers.length === 0)) {
        this.#leave(chunk.subarray(at));
        return;
      }
      this.#begin(head, chunk.subarray(at + head.headBytes, end));
      at = end;
    }
  };

  #canTakeMore(): boolean {
    return this.#answers.length < MAX_AHEAD && !this.#socket.writableNeedDrain;
  }

  #begin({ head, bodyBytes }: LaneHead, first: Buffer): void {
    const body = new LaneBody(bodyBytes, first, this.#goOn);
    const response = new LaneAnswer(this);
    if (!body.complete) this.#body = body;
    this.#waitingSince = undefined;
    this.#answers.push(response);
    const incoming = { request: head, body, response, socket: this.#socket, connection: this.#connection };
    if (!this.#deps.serve(incoming)) this.#isDeaf = true;
    else if (this.#isOurTurn()) this.#socket.pause();
  }

  /** The body is not wanted yet: who sends is looked up. Then its client cannot be too slow. */
  #isOurTurn(): boolean {
    return this.#body?.isListenedTo === false && this.#answers.at(-1)?.headersSent === false;
  }

  readonly #goOn = (): void => {
    this.#waitingSince = undefined;
    this.#socket.resume();
  };

  #write(answer: LaneAnswer): void {
    const output = answer.takeOutput();
    if (answer.isEnded && answer.isWatched) this.#socket.write(output, answer.encoding, () => answer.finish());
    else {
      if (output.length > 0) this.#socket.write(output, answer.encoding);
      if (answer.isEnded) answer.finish();
    }
  }

  /** All that the client will get is written. */
  #end(): void {
    this.#isDeaf = true;
    this.#socket.destroySoon();
  }

  #leave(rest: Buffer): void {
    this.#rest = rest;
    this.#socket.pause();
    if (this.#answers.length === 0) this.#handOver(rest);
  }

  #handOver(rest: Buffer): void {
    const socket = this.#socket;
    socket.off('data', this.#onData);
    socket.off('end', this.#onEnd);
    socket.off('error', ignore);
    socket.off('close', this.#onClose);
    this.#deps.onGone(this);
    if (socket.destroyed) return;
    socket.unshift(rest);
    this.#deps.handOver(socket);
    socket.resume();
  }

  readonly #onEnd = (): void => {
    this.#hasEnded = true;
    if (this.#body) this.#fail('HPE_INVALID_EOF_STATE');
    else if (this.#answers.length === 0) this.#end();
  };

  /** The body that is coming will not come to its end. */
  #fail(code: string): void {
    this.#deps.onClientError(Object.assign(new Error(code), { code }), this.#socket);
  }

  readonly #onClose = (): void => {
    this.#body?.break();
    for (const answer of this.#answers) answer.close();
    this.#deps.onGone(this);
  };
}

/** What happened to the connection shows when it is closed. */
function ignore(): void {}
