import { sleep, throwIfStopped } from '@kero/runtime';
import type pg from 'pg';
import type { AuditLog } from '../audit-log.ts';
import { databaseError } from '../database-errors.ts';
import type { PostgresConfig } from '../database-settings.ts';
import type { DeadLetterStore } from '../dead-letter-store.ts';
import type { EventRetention } from '../event-retention.ts';
import type { Database, QueryResult } from '../event-store.ts';
import { checkSchema } from '../schema-version.ts';
import { PostgresAuditLog } from './audit-queries.ts';
import { connectWritable, type ServerAddress, type SessionLimits, writerLimits } from './client.ts';
import { findConnectionShortage } from './connection-limits.ts';
import { ConnectionPool } from './connection-pool.ts';
import { PostgresDeadLetterStore } from './dead-letter-queries.ts';
import { PostgresEventRetention } from './drop-expired.ts';
import { migrateServer } from './migrate-server.ts';
import { runQuery } from './run-query.ts';
import { PostgresEventStore } from './store-batch.ts';
import { type ServerPatience, whenServerAnswers } from './when-server-answers.ts';

/** Beside the pool: a query of a person, or the retention. */
const OWN_CONNECTIONS = 1;
const CLOSE_GRACE_MS = 10_000;
const PROBE_INTERVAL_MS = 1_000;
/** When nothing was asked of the database for this long, its health asks. */
const PROBE_WHEN_QUIET_MS = 4_000;
/** A probe that takes longer says that the database does not answer; the time-outs of statements are much longer. */
const PROBE_PATIENCE_MS = 5_000;

export interface OpenOptions extends ServerPatience {
  readonly limits?: SessionLimits;
  /** How long closing lets running statements go on, in milliseconds. */
  readonly closeGraceMs?: number;
  /** This process runs the server, or another Kero does: the description says so. */
  readonly embedded?: boolean;
  /** Called last when the database is closed. */
  readonly stopServer?: () => Promise<void>;
}

/** Opens a database on a server that runs, with a schema that fits. */
export async function openPostgres(config: PostgresConfig, options: OpenOptions): Promise<Database> {
  const { logger, stop } = options;
  const check = async (client: pg.Client) => {
    await checkSchema(client);
    const shortage = await findConnectionShortage(client, config.maxConnections + OWN_CONNECTIONS);
    if (shortage !== undefined) logger.warn(shortage);
  };
  return whenServerAnswers(config, options, async () => {
    if (config.migrate) await migrateServer(config, { logger });
    throwIfStopped(stop);
    return connect(config, check, options);
  });
}

/** The same without a look at the schema, for statements of a person: on a schema that does not fit they are most needed. */
export async function connectPostgres(config: PostgresConfig, options: OpenOptions): Promise<Database> {
  return whenServerAnswers(config, options, () => connect(config, async () => {}, options));
}

async function connect(
  config: PostgresConfig,
  check: (client: pg.Client) => Promise<void>,
  { limits = writerLimits, closeGraceMs = CLOSE_GRACE_MS, embedded, stopServer }: OpenOptions,
): Promise<Database> {
  const { client, host, port, serverVersion } = await connectWritable(config, limits);
  try {
    await check(client);
  } finally {
    await client.end();
  }
  const description = `${embedded ? 'embedded ' : ''}PostgreSQL ${serverVersion} at ${host}:${port}, database ${config.database}`;
  const pool = new ConnectionPool({
    server: config,
    limits,
    maxConnections: config.maxConnections,
    onConnect: checkSchema,
    closeGraceMs,
  });
  return new PostgresDatabase(config, pool, description, stopServer);
}

class PostgresDatabase implements Database {
  readonly description: string;
  readonly events: PostgresEventStore;
  readonly deadLetters: DeadLetterStore;
  readonly audit: AuditLog;
  readonly retention: EventRetention;
  readonly #server: ServerAddress;
  readonly #pool: ConnectionPool;
  readonly #stopServer: (() => Promise<void>) | undefined;
  readonly #closing = new AbortController();
  #closed: Promise<void> | undefined;
  #probingSince: number | undefined;

  constructor(
    server: ServerAddress,
    pool: ConnectionPool,
    description: string,
    stopServer: (() => Promise<void>) | undefined,
  ) {
    this.description = description;
    this.#server = server;
    this.#pool = pool;
    this.#stopServer = stopServer;
    this.events = new PostgresEventStore(this.#pool);
    this.deadLetters = new PostgresDeadLetterStore(this.#pool);
    this.audit = new PostgresAuditLog(this.#pool);
    this.retention = new PostgresEventRetention(server);
  }

  async query(sql: string): Promise<QueryResult> {
    return runQuery(this.#server, sql);
  }

  health(): { readonly up: true } | { readonly up: false; readonly reason: string } {
    const { state, quietMs } = this.#pool;
    // Nobody else may ask the database for a while, so asking for its health is what finds out how it is.
    if (!state.up || quietMs > PROBE_WHEN_QUIET_MS) void this.#probe();
    const waitsMs = Math.min(quietMs, performance.now() - (this.#probingSince ?? performance.now()));
    if (!state.up || waitsMs < PROBE_PATIENCE_MS) return state;
    return { up: false, reason: `PostgreSQL has not answered for ${Math.round(waitsMs / 1000)} s` };
  }

  async close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    await this.#pool.close();
    await this.#stopServer?.();
  }

  async #probe(): Promise<void> {
    if (this.#probingSince !== undefined || this.#closing.signal.aborted) return;
    this.#probingSince = performance.now();
    try {
      await this.#pool.use('probing', checkWritable);
    } catch {
      await sleep(PROBE_INTERVAL_MS, this.#closing.signal);
    } finally {
      this.#probingSince = undefined;
    }
  }
}

/** A server that answers and takes no writes is not well for us. */
async function checkWritable(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ off: boolean }>(
    "select current_setting('transaction_read_only') = 'off' as off",
  );
  if (!rows[0]?.off) throw databaseError('database_unavailable', 'this server is read-only: a standby, or set so');
}
