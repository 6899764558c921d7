import type { IncomingMessage } from 'node:http';
import type { Refusal } from './http-problems.ts';

/** Who sends, as far as the receiver needs to know. */
export interface Client {
  /** The source of events that name none. */
  readonly defaultSource: string;
  /** The sources that its events may name; undefined: any. */
  readonly sources: ReadonlySet<string> | undefined;
  /** For log lines and limits: the id of its key, or the subject of its token. Never the secret. Undefined: anybody. */
  readonly id: string | undefined;
}

/** Decides from the head of a request, before a byte of its body is read. */
export type Authorize = (request: IncomingMessage) => Client | Refusal | Promise<Client | Refusal>;

const ANYBODY: Client = { defaultSource: 'default', sources: undefined, id: undefined };

/** AUTH=none, and loopback: who reaches the port may send. */
export const anybody: Authorize = () => ANYBODY;
