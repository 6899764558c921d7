import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Refusal } from './http-problems.ts';

/** One request and its answer. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
  /** Who is at the other end: the address of the connection, or what a trusted proxy says. */
  readonly address: string;
  /** Whose request it is (Client.id), as soon as that is known; for log lines. */
  clientId: string | undefined;
  /** Headers that every answer to this request gets besides its own: name, value, name, value. */
  readonly headers: string[];
  /** The client waits for `100 Continue` before it sends its body. */
  readonly expectsContinue: boolean;
  /** How many bytes of its body came, as they were sent. */
  bytesReceived: number;
  /** What this exchange holds, in bytes (BytesInFlight counts them). Given back when it is done. */
  bytesHeld: number;
  /** Ends the reading of the body with a refusal; there only while the body is being read. */
  cancelBody: ((refusal: Refusal) => void) | undefined;
}

/** Resolves when the exchange has its answer, or needs none because the client left. */
export type Handler = (exchange: Exchange) => Promise<void> | void;
