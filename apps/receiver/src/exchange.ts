import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import type { RequestHead as CredentialHead } from '@kero/auth';
import type { AnswerKind } from './answer-kind.ts';
import type { Refusal } from './http-problems.ts';

/** The head of a request, without what frames its body. An IncomingMessage is one. */
export interface RequestHead extends CredentialHead {
  readonly method?: string | undefined;
  readonly httpVersion: string;
  /** By name in lower case; of most of those that came twice, the first. */
  readonly headers: IncomingHttpHeaders;
}

/** Who wants the bytes of a body. */
export interface BodyListener {
  onData(chunk: Buffer): void;
  onEnd(): void;
  /** The connection broke before the end. */
  onBroken(): void;
}

/** The body of a request, as far as it came. */
export interface IncomingBody {
  /** What Content-Length says; undefined where the body is chunked. */
  readonly declaredBytes: number | undefined;
  /** The client waits to be told that it may send it. */
  readonly isAwaited: boolean;
  /** All of it came. */
  readonly complete: boolean;
  /** Nothing of it will come any more. */
  readonly destroyed: boolean;
  /**
   * Tells the client to go on, where it waits for that, and hands over what comes; what is here already perhaps before it returns. A
   * second listener gets what comes after it was added.
   */
  listen(listener: BodyListener): void;
}

/** The answer to a request. */
export interface Answer {
  /** False: the connection ends after this answer. To be said before it begins. */
  shouldKeepAlive: boolean;
  readonly headersSent: boolean;
  /** All of it was handed to the system. */
  readonly writableFinished: boolean;
  /** That, or the client is gone. */
  readonly destroyed: boolean;
  /** The whole answer. `own`: further headers: name, value, name, value. */
  send(kind: AnswerKind, own: readonly string[], body: string | Buffer): void;
  /** All of the answer, but not yet its end. */
  begin(kind: AnswerKind, own: readonly string[], body: string | Buffer): void;
  end(): void;
  /** It was handed to the system in whole, or never will be. To be called before it ends. */
  once(event: 'close', listener: () => void): void;
  off(event: 'close', listener: () => void): void;
  /** Ends the connection at once. */
  destroy(): void;
}

/** One request and its answer. */
export interface Exchange {
  readonly request: RequestHead;
  readonly body: IncomingBody;
  readonly response: Answer;
  readonly socket: Socket;
  readonly requestId: string;
  /** Who is at the other end: the address of the connection, or what a trusted proxy says. */
  readonly address: string;
  /** Whose request it is (Client.id), as soon as that is known; for log lines. */
  clientId: string | undefined;
  /** Headers that every answer to this request gets, whatever it is: name, value, name, value. Its id is the first. */
  readonly headers: string[];
  /** How many bytes of its body came, as they were sent. */
  bytesReceived: number;
  /** What this exchange holds, in bytes (BytesInFlight counts them). Given back when it is done. */
  bytesHeld: number;
  /** Ends the reading of the body with a refusal; there only while the body is being read. */
  cancelBody: ((refusal: Refusal) => void) | undefined;
}

/** Resolves when the exchange has its answer, or needs none because the client left. */
export type Handler = (exchange: Exchange) => Promise<void> | void;
