import type { Client } from '../authorize.ts';
import type { Exchange } from '../exchange.ts';
import type { Refusal } from '../http-problems.ts';

/** Who may send how much. May add headers to the answer (`exchange.headers`). */
export interface Admission {
  /** By address, before anything else is known of who sends. */
  arrive(exchange: Exchange): Refusal | undefined;
  /** It is refused for this reason, because nobody knows whose request it is. */
  unidentified(exchange: Exchange, refusal: Refusal): void;
  /** By key, when it is known whose request it is, before a byte of the body is read. */
  identified(exchange: Exchange, client: Client): Refusal | undefined;
  /** So many bytes of the body came, whether it is complete and right or not: they count from now on. */
  received(exchange: Exchange, client: Client, bytes: number): void;
}

/** No limit at all. */
export const everythingAdmitted: Admission = {
  arrive: () => undefined,
  unidentified: () => {},
  identified: () => undefined,
  received: () => {},
};
