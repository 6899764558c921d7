import { randomUUID } from 'node:crypto';

/** What a client may choose as its request id: nothing that could break a log line or a header. */
const SANE = /^[A-Za-z0-9._-]{1,64}$/;

/** Of ids that are made here: the first half is random, once for each process, the second one counts. */
const PREFIX = randomUUID().slice(0, 24);
const COUNTER_DIGITS = 12;
let made = 0;

/** The id under which a request is found in the log lines: the client's own where it is sane, else a new one, which nobody need guess. */
export function requestIdOf(incoming: string | string[] | undefined): string {
  if (typeof incoming === 'string' && SANE.test(incoming)) return incoming;
  return PREFIX + (++made).toString(16).padStart(COUNTER_DIGITS, '0');
}
