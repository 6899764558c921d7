import { describeError, type KeroError } from '@kero/runtime';
import pg from 'pg';
import { type DatabaseErrorCode, databaseError } from '../database-errors.ts';

/** What may be wrong when a statement fails: the database itself, how it is set up, or the data that was given to it. */
export type ErrorKind = Extract<DatabaseErrorCode, 'database_unavailable' | 'database_misconfigured' | 'data_refused'>;

interface Rule {
  /** A SQLSTATE of five characters, or the two of its class; the longest that fits wins. */
  readonly state: string;
  readonly kind: ErrorKind;
  readonly because: string;
}

/**
 * Outage or bad data? A record may only be called bad when the database is well and says that the data is wrong. So this
 * list names what is certain, and everything that it does not name counts as an outage: waiting loses nothing, while a
 * record wrongly called bad would leave the table.
 */
export const errorRules: readonly Rule[] = [
  { state: '08', kind: 'database_unavailable', because: 'the connection broke' },
  { state: '22', kind: 'data_refused', because: 'a value that its type does not allow' },
  { state: '23', kind: 'data_refused', because: 'a constraint that the value does not keep' },
  { state: '23505', kind: 'database_unavailable', because: 'somebody else stored the same key at the same time' },
  { state: '25', kind: 'database_unavailable', because: 'the transaction was ended by the server' },
  { state: '25006', kind: 'database_unavailable', because: 'the server is read-only: a standby, or set so' },
  { state: '28', kind: 'database_misconfigured', because: 'role or password are wrong' },
  { state: '3D', kind: 'database_misconfigured', because: 'the database does not exist' },
  { state: '3F', kind: 'database_misconfigured', because: 'the schema does not exist' },
  { state: '40', kind: 'database_unavailable', because: 'deadlock or serialization failure: trying again helps' },
  { state: '42', kind: 'database_misconfigured', because: 'a right, a table, a column or a function is missing' },
  { state: '53', kind: 'database_unavailable', because: 'disk, memory or connections are used up' },
  { state: '54', kind: 'data_refused', because: 'a value beyond a limit of the server' },
  { state: '55', kind: 'database_unavailable', because: 'an object is locked or not in the right state' },
  {
    state: '57',
    kind: 'database_unavailable',
    because: 'the server is starting, stopping, or cancelled the statement',
  },
  { state: '58', kind: 'database_unavailable', because: 'the server has trouble with its files' },
  { state: 'XX', kind: 'database_unavailable', because: 'internal error of the server' },
];

/** True for an error that the server sent, as opposed to one of the socket or of this program. */
export function isServerError(error: unknown): error is pg.DatabaseError {
  return error instanceof pg.DatabaseError;
}

/** The SQLSTATE of an error that the server sent. */
export function sqlState(error: unknown): string | undefined {
  return isServerError(error) ? error.code : undefined;
}

/** True when a row has no partition: PostgreSQL reports it as a check violation, but without a constraint. */
export function isMissingPartition(error: unknown): boolean {
  return isServerError(error) && error.code === '23514' && !error.constraint;
}

/** True when the connection can serve another statement after this error. */
export function leavesConnectionUsable(error: unknown): boolean {
  if (!isServerError(error) || error.severity !== 'ERROR') return false;
  // A server that became read-only was demoted: leave it, and look for the one that takes writes.
  return error.code !== '25006';
}

export function classifyError(error: unknown): { kind: ErrorKind; because: string } {
  const state = sqlState(error);
  if (state === undefined) return classifyClientError(error);
  if (isMissingPartition(error)) {
    return { kind: 'database_misconfigured', because: 'events has no partition for the row, and none could be made' };
  }
  const rule = errorRules.find((it) => it.state === state) ?? errorRules.find((it) => it.state === state.slice(0, 2));
  return rule ?? { kind: 'database_unavailable', because: 'an error that is not known to be about the data' };
}

/** Errors without a SQLSTATE: sockets, name look-ups, TLS, time-outs of our own. None of them is about the data. */
function classifyClientError(error: unknown): { kind: ErrorKind; because: string } {
  const text = describeError(error);
  if (/password must be a|no password supplied/i.test(text)) {
    return { kind: 'database_misconfigured', because: 'the server asks for a password: set POSTGRES_PASSWORD' };
  }
  if (/does not support SSL/.test(text)) {
    return { kind: 'database_misconfigured', because: 'the server does not offer TLS: see POSTGRES_SSL_MODE' };
  }
  if (/certificate|self.signed|altnames|unable to verify/i.test(text)) {
    return { kind: 'database_misconfigured', because: 'the certificate is not trusted: see POSTGRES_SSL_CA_FILE' };
  }
  return { kind: 'database_unavailable', because: 'no answer from the server' };
}

/** Turns what the pg library threw into the error that callers of this package see. `doing` completes "while ...". */
export function toDatabaseError(error: unknown, doing: string): KeroError {
  const { kind, because } = classifyError(error);
  const state = sqlState(error);
  const said = describeError(error) || 'no message';
  return databaseError(kind, `${doing}: ${because} (${state ? `${state}: ` : ''}${said})`, { cause: error });
}
