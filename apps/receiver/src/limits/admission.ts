import type { Client } from '../authorize.ts';
import type { Exchange } from '../exchange.ts';
import type { Refusal } from '../http-problems.ts';

/** Who may send how much. May add headers to the answer (`exchange.headers`). */
export interface Admission {
  /** By address, before anything else is known of who sends. */
  arrive(exchange: Exchange): Refusal | undefined;
  /** By key, when it is known whose request it is, before a byte of the body is read. */
  identified(exchange: Exchange, client: Client): Refusal | undefined;
  /** The body was read: its bytes count from now on. */
  received(exchange: Exchange, client: Client, bytes: number): void;
}

/** No limit at all. */
export const everythingAdmitted: Admission = {
  arrive: () => undefined,
  identified: () => undefined,
  received: () => {},
};
