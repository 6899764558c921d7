import { describeError, type KeroError } from '@kero/runtime';
import pg from 'pg';
import { type DatabaseErrorCode, databaseError } from '../database-errors.ts';

const STATE_CLASS_LENGTH = 2;

/** What may be wrong when a statement fails: the database itself, how it is set up, or the data that was given to it. */
export type ErrorKind = Extract<DatabaseErrorCode, 'database_unavailable' | 'database_misconfigured' | 'data_refused'>;

export interface ErrorRule {
  /** A SQLSTATE of five characters, or the two of its class; the longest that fits wins. */
  readonly state: string;
  readonly kind: ErrorKind;
  readonly because: string;
  /** Where the remedy of `kind` is not the one. */
  readonly remedy?: string;
  /** Only for some errors of that state; such a rule goes before the one without. */
  readonly when?: (error: pg.DatabaseError) => boolean;
}

/**
 * Outage or bad data? A record may only be called bad when the database is well and says that the data is wrong. So this
 * list names what is certain, and everything that it does not name counts as an outage: waiting loses nothing, while a
 * record wrongly called bad would leave the table. docs/errors.md is generated from it.
 */
export const errorRules: readonly ErrorRule[] = [
  ...same(['00', '01', '02'], 'database_unavailable', 'a warning, reported as an error'),
  ...same(['03', '09', '0B', '0F', '0L', '0P', '0Z'], 'database_unavailable', 'not about the data of an event'),
  { state: '08', kind: 'database_unavailable', because: 'the connection broke' },
  {
    state: '08P01',
    kind: 'database_unavailable',
    because: 'the server does not understand what it was sent: bytes were lost, or a column has another type',
  },
  {
    state: '0A',
    kind: 'database_unavailable',
    because: 'the server cannot do this (yet), or a table changed under a plan',
  },
  ...same(['10', '20', '21', '24', '26', '27'], 'database_unavailable', 'a mistake in a statement, not in the data'),
  { state: '22', kind: 'data_refused', because: 'a value that its type does not allow' },
  { state: '22P03', kind: 'database_misconfigured', because: 'a column has another type than the one Kero made' },
  { state: '22P04', kind: 'database_misconfigured', because: 'the columns are not those that Kero made' },
  { state: '23', kind: 'data_refused', because: 'a constraint that the value does not keep' },
  {
    state: '23505',
    kind: 'data_refused',
    because: 'a unique index that somebody added to events has this value already',
    when: isForeignUnique,
  },
  { state: '23505', kind: 'database_unavailable', because: 'somebody else stored the same key at the same time' },
  {
    state: '23514',
    kind: 'database_misconfigured',
    because: 'events has no partition for the row, and none could be made',
    when: isMissingPartition,
  },
  { state: '25', kind: 'database_unavailable', because: 'the transaction was ended by the server' },
  { state: '25006', kind: 'database_unavailable', because: 'the server is read-only: a standby, or set so' },
  {
    state: '28',
    kind: 'database_misconfigured',
    because: 'role or password are wrong',
    remedy: 'Check POSTGRES_USER and POSTGRES_PASSWORD, and pg_hba.conf of the server.',
  },
  ...same(['2B', '2D', '2F', '34', '38', '39', '3B'], 'database_unavailable', 'not about the data of an event'),
  {
    state: '3D',
    kind: 'database_misconfigured',
    because: 'the database does not exist',
    remedy: 'Check POSTGRES_DB; `kero migrate` makes the database, where the role may.',
  },
  { state: '3F', kind: 'database_misconfigured', because: 'the schema does not exist' },
  { state: '40', kind: 'database_unavailable', because: 'deadlock or serialization failure: trying again helps' },
  { state: '42', kind: 'database_misconfigured', because: 'a right, a table, a column or a function is missing' },
  { state: '44', kind: 'database_misconfigured', because: 'events is a view with a check, not the table of Kero' },
  { state: '53', kind: 'database_unavailable', because: 'disk, memory or connections are used up' },
  { state: '53100', kind: 'database_unavailable', because: 'the disk of the server is full' },
  { state: '53300', kind: 'database_unavailable', because: 'every connection of the server is taken' },
  { state: '54', kind: 'data_refused', because: 'a value beyond a limit of the server' },
  { state: '55', kind: 'database_unavailable', because: 'an object is locked or not in the right state' },
  {
    state: '57',
    kind: 'database_unavailable',
    because: 'the server is starting, stopping, or cancelled the statement',
  },
  { state: '58', kind: 'database_unavailable', because: 'the server has trouble with its files' },
  ...same(['72', 'F0', 'HV'], 'database_unavailable', 'trouble of the server, or of another one behind it'),
  { state: 'P0', kind: 'database_misconfigured', because: 'a trigger or function that somebody added raised an error' },
  { state: 'XX', kind: 'database_unavailable', because: 'internal error of the server' },
];

export interface ClientErrorRule {
  /** For the docs: what it is called. */
  readonly name: string;
  readonly pattern: RegExp;
  readonly kind: Exclude<ErrorKind, 'data_refused'>;
  readonly because: string;
  /** Where the remedy of `kind` is not the one. */
  readonly remedy?: string;
}

/**
 * Errors without a SQLSTATE: sockets, name look-ups, TLS, time-outs of our own. None of them is about the data, and each is
 * tried again; the first rule that fits the code or the message gives the reason, and one that no rule fits is an outage too.
 */
export const clientErrorRules: readonly ClientErrorRule[] = [
  {
    name: 'no password given',
    pattern: /password must be a|no password supplied/i,
    kind: 'database_misconfigured',
    because: 'the server asks for a password: set POSTGRES_PASSWORD',
    remedy: 'Set POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE.',
  },
  {
    name: 'TLS not offered',
    pattern: /does not support SSL/,
    kind: 'database_misconfigured',
    because: 'the server does not offer TLS: see POSTGRES_SSL_MODE',
    remedy: 'Turn on `ssl` in the server; or, where the network is trusted, set POSTGRES_SSL_MODE=disable.',
  },
  {
    name: 'certificate refused',
    pattern: /certificate|self.signed|altnames|unable to verify/i,
    kind: 'database_misconfigured',
    because: 'the certificate is not trusted: see POSTGRES_SSL_CA_FILE',
    remedy:
      'Name the CA of the server in POSTGRES_SSL_CA_FILE, and reach the server by a name that is in its certificate.',
  },
  { name: 'ECONNREFUSED', pattern: /ECONNREFUSED/, kind: 'database_unavailable', because: 'nobody listens there' },
  {
    name: 'ECONNRESET, EPIPE, connection terminated',
    pattern: /ECONNRESET|EPIPE|connection (was )?(terminated|ended)/i,
    kind: 'database_unavailable',
    because: 'the connection broke',
  },
  {
    name: 'ENOTFOUND, EAI_AGAIN',
    pattern: /ENOTFOUND|EAI_AGAIN/,
    kind: 'database_unavailable',
    because: 'the name of the host is not known at the moment',
  },
  {
    name: 'EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENETDOWN',
    pattern: /E(HOST|NET)(UNREACH|DOWN)/,
    kind: 'database_unavailable',
    because: 'there is no way to the host',
  },
  {
    name: 'ETIMEDOUT, time-out of the connection or of an answer',
    pattern: /ETIMEDOUT|timeout/i,
    kind: 'database_unavailable',
    because: 'no answer from the server in time',
  },
  {
    name: 'EMFILE, ENFILE, ENOBUFS, EADDRNOTAVAIL',
    pattern: /EMFILE|ENFILE|ENOBUFS|EADDRNOTAVAIL/,
    kind: 'database_unavailable',
    because: 'this machine is out of files or ports',
  },
  {
    name: 'a server that is read-only',
    pattern: /this server is read-only/,
    kind: 'database_unavailable',
    because: 'it takes no writes',
  },
];

function same(states: readonly string[], kind: ErrorKind, because: string): ErrorRule[] {
  return states.map((state) => ({ state, kind, because }));
}

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

/**
 * True when a unique index of events refused the row that is not Kero's key. The columns stand in the detail in every
 * language; the name helps where the detail is kept from the role.
 */
export function isForeignUnique(error: unknown): boolean {
  if (!isServerError(error) || error.code !== '23505' || !error.table?.startsWith('events')) return false;
  return !error.detail?.includes('(event_timestamp, id)=(') && !error.constraint?.endsWith('_pkey');
}

/**
 * After these the server ends the session, or may be damaged (58, XX); and a server that became read-only (25006) was
 * demoted: leave it, and look for the one that takes writes. By code, because the severity comes in the server's language.
 */
const ENDS_CONNECTION = /^(08|28|3D|57P|58|XX|25006|25P0[34]|53300)/;

/** True when the connection can serve another statement after this error. */
export function leavesConnectionUsable(error: unknown): boolean {
  return isServerError(error) && error.code !== undefined && !ENDS_CONNECTION.test(error.code);
}

export interface Classified {
  readonly kind: ErrorKind;
  readonly because: string;
  readonly remedy?: string;
}

export function classifyError(error: unknown): Classified {
  const state = sqlState(error);
  if (state === undefined) return classifyClientError(error);
  const fits = (rule: ErrorRule, code: string) =>
    rule.state === code && (rule.when?.(error as pg.DatabaseError) ?? true);
  const rule =
    errorRules.find((it) => fits(it, state)) ?? errorRules.find((it) => fits(it, state.slice(0, STATE_CLASS_LENGTH)));
  return rule ?? { kind: 'database_unavailable', because: 'an error that is not known to be about the data' };
}

function classifyClientError(error: unknown): Classified {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const text = `${code} ${describeError(error)}`;
  const rule = clientErrorRules.find(({ pattern }) => pattern.test(text));
  return rule ?? { kind: 'database_unavailable', because: 'no answer from the server' };
}

/** Turns what the pg library threw into the error that callers of this package see. `doing` completes "while ...". */
export function toDatabaseError(error: unknown, doing: string): KeroError {
  const { kind, because, remedy } = classifyError(error);
  const state = sqlState(error);
  const said = describeError(error) || 'no message';
  return databaseError(kind, `${doing}: ${because} (${state ? `${state}: ` : ''}${said})`, {
    cause: error,
    ...(remedy !== undefined && { remedy }),
  });
}
