import { randomUUID } from 'node:crypto';

/** What a client may choose as its request id: nothing that could break a log line or a header. */
const SANE = /^[A-Za-z0-9._-]{1,64}$/;

/** The id under which a request is found in the log lines: the client's own where it is sane, else a new one. */
export function requestIdOf(incoming: string | string[] | undefined): string {
  return typeof incoming === 'string' && SANE.test(incoming) ? incoming : randomUUID();
}
