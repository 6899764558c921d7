import type { IncomingMessage } from 'node:http';
import type { Refusal } from './http-problems.ts';

/** Who sends, as far as the receiver needs to know. */
export interface Client {
  /** The source of events that name none. */
  readonly defaultSource: string;
}

/** Decides from the head of a request, before a byte of its body is read. */
export type Authorize = (request: IncomingMessage) => Client | Refusal | Promise<Client | Refusal>;

const ANYBODY: Client = { defaultSource: 'default' };

/** AUTH=none, and loopback: who reaches the port may send. */
export const anybody: Authorize = () => ANYBODY;
