import { readFileSync } from 'node:fs';
import { describeError, type KeroError } from '@kero/runtime';
import pg from 'pg';
import { type DatabaseErrorCode, databaseError } from '../database-errors.ts';
import type { PostgresConfig } from '../database-settings.ts';
import { isServerError, toDatabaseError } from './classify-error.ts';

/** Where and as whom to connect: the part of the configuration that this file needs. */
export type ServerAddress = Pick<
  PostgresConfig,
  'hosts' | 'database' | 'user' | 'password' | 'sslMode' | 'sslCaFile' | 'applicationName'
>;

/** Limits of a session, in milliseconds; 0 means none. */
export interface SessionLimits {
  /** One statement, kept by the server. */
  readonly statementMs: number;
  /** One statement, kept by this process: for a server or a network that says nothing any more. */
  readonly answerMs: number;
}

export const writerLimits: SessionLimits = { statementMs: 30_000, answerMs: 40_000 };
export const noLimits: SessionLimits = { statementMs: 0, answerMs: 0 };

const CONNECT_TIMEOUT_MS = 5_000;
const LOCK_TIMEOUT_MS = 10_000;
/**
 * Between two statements of a batch pass milliseconds. A process that stands still there (suspended, a frozen machine) holds
 * the rows that whoever takes over its partitions has to store first: with several partitions in a transaction that may be
 * all of them. Shorter than LOCK_TIMEOUT_MS, so that these go on without a failed attempt. In the middle of a COPY it is of no
 * use: then the server reads, and is not idle.
 */
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 8_000;
const KEEPALIVE_AFTER_MS = 10_000;
/**
 * For the server to notice that the machine of a client is gone, after 25 s. Without it a server that waits for the rest of
 * a COPY waits two hours (no other time-out applies while it reads), and whoever takes over the partition waits for the
 * rows of that transaction.
 */
const SERVER_KEEPALIVES = { idleS: 10, intervalS: 5, count: 3 };

export interface ConnectedClient {
  readonly client: pg.Client;
  readonly host: string;
  readonly port: number;
  /** For example `18.4`. */
  readonly serverVersion: string;
}

/**
 * Connects to the first host of the list that takes writes. Rejects with `database_unavailable` or
 * `database_misconfigured`, naming every host that was tried.
 *
 * Clients come with an error listener: without one, an idle connection that breaks would end the process.
 */
export async function connectWritable(server: ServerAddress, limits: SessionLimits): Promise<ConnectedClient> {
  const tls = tlsOptions(server);
  const failures: { place: string; error: unknown }[] = [];
  for (const { host, port } of server.hosts) {
    try {
      return await connectTo(host, port, { ...server, tls, limits });
    } catch (error) {
      failures.push({ place: `${host}:${port}`, error });
    }
  }
  // A server that answered knows better what is wrong than one that did not.
  const telling = failures.find(({ error }) => isServerError(error)) ?? failures[0];
  const { code, remedy } = toDatabaseError(telling?.error, 'connect') as KeroError<DatabaseErrorCode>;
  const reasons = failures.map(({ place, error }) => toDatabaseError(error, place).message).join('; ');
  throw databaseError(
    code,
    `cannot connect to PostgreSQL as ${server.user} to database ${server.database}: ${reasons}`,
    {
      cause: telling?.error,
      remedy,
    },
  );
}

async function connectTo(
  host: string,
  port: number,
  { tls, limits, ...server }: ServerAddress & { tls: TlsOptions; limits: SessionLimits },
): Promise<ConnectedClient> {
  const client = new pg.Client({
    host,
    port,
    database: server.database,
    user: server.user,
    // A function, because a plain undefined makes the library look into the environment and ~/.pgpass.
    password: () => server.password as string,
    ssl: tls,
    application_name: server.applicationName,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: limits.answerMs || undefined,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEPALIVE_AFTER_MS,
  });
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = (await client.query<{ version: string; read_only: string }>({
      text: `select set_config('statement_timeout', $1, false), set_config('lock_timeout', $2, false),
        set_config('idle_in_transaction_session_timeout', $3, false),
        set_config('synchronous_commit', replace(current_setting('synchronous_commit'), 'off', 'on'), false),
        set_config('tcp_keepalives_idle', $4, false), set_config('tcp_keepalives_interval', $5, false),
        set_config('tcp_keepalives_count', $6, false),
        current_setting('server_version') as version, current_setting('transaction_read_only') as read_only`,
      values: [
        ...[limits.statementMs, LOCK_TIMEOUT_MS, IDLE_IN_TRANSACTION_TIMEOUT_MS],
        ...[SERVER_KEEPALIVES.idleS, SERVER_KEEPALIVES.intervalS, SERVER_KEEPALIVES.count],
      ].map(String),
    })) as pg.QueryResult<{ version: string; read_only: string }>;
    if (rows[0]?.read_only !== 'off') throw new Error('this server is read-only: a standby, or set so');
    return { client, host, port, serverVersion: rows[0].version.split(' ')[0] ?? '' };
  } catch (error) {
    // Not awaited: a server that does not answer must not hold up the next host.
    client.end().catch(() => {});
    throw error;
  }
}

type TlsOptions = NonNullable<pg.ClientConfig['ssl']>;

function tlsOptions({ sslMode, sslCaFile }: ServerAddress): TlsOptions {
  if (sslMode === 'disable') return false;
  if (sslMode === 'require') return { rejectUnauthorized: false };
  if (sslCaFile === undefined) return { rejectUnauthorized: true };
  try {
    return { rejectUnauthorized: true, ca: readFileSync(sslCaFile, 'utf8') };
  } catch (error) {
    throw databaseError('database_misconfigured', `POSTGRES_SSL_CA_FILE cannot be read: ${describeError(error)}`, {
      cause: error,
      remedy: 'Name a PEM file with the CA of the server that this user can read.',
    });
  }
}
