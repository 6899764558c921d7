import { isKeroError, type Logger } from '@kero/runtime';
import { databaseError } from '../database-errors.ts';
import type { EmbeddedDatabaseConfig, PostgresConfig } from '../database-settings.ts';
import type { Database } from '../event-store.ts';
import { connectPostgres, openPostgres } from '../postgres/postgres-database.ts';
import type { ServerPatience } from '../postgres/when-server-answers.ts';
import { startEmbeddedServer } from './embedded-server.ts';
import { type Connection, readConnection, serverFolder } from './server-folder.ts';

/** How people reach the embedded server: `PGPASSFILE=passfile psql -h host -p port -U user -d database`. */
export interface EmbeddedConnection {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  /** File with the password, for PGPASSFILE. */
  readonly passfile: string;
}

/** How the embedded server is reached. To be called after it was started once; throws `embedded_server_failed` before. */
export function embeddedConnection(config: EmbeddedDatabaseConfig): EmbeddedConnection {
  const folder = serverFolder(config.directory);
  const kept = readConnection(folder);
  if (kept === undefined) {
    throw databaseError('embedded_server_failed', `no PostgreSQL server was started in ${config.directory} yet`);
  }
  const { host, port, user, database } = kept;
  return { host, port, user, database, passfile: folder.passfile };
}

/** Starts the server, migrates, and opens the database on it; closing the database stops the server last. */
export async function openEmbedded(
  config: EmbeddedDatabaseConfig,
  { logger, stop, patienceMs }: ServerPatience,
): Promise<Database> {
  const server = await startEmbeddedServer(config, { logger, stop });
  try {
    const database = await openPostgres(serverConfig(config, server.connection, { migrate: true }), {
      logger,
      stop,
      patienceMs,
      embedded: true,
      stopServer: () => server.stop(),
    });
    return database;
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/**
 * Connects to an embedded server that another Kero process runs, without taking its folder; undefined when none runs.
 * Closing the database leaves the server alone.
 */
export async function connectRunning(
  config: EmbeddedDatabaseConfig,
  { logger }: { logger: Logger },
): Promise<Database | undefined> {
  const kept = readConnection(serverFolder(config.directory));
  if (kept === undefined) return undefined;
  try {
    return await connectPostgres(serverConfig(config, kept, { migrate: false }), {
      logger,
      patienceMs: 0,
      embedded: true,
    });
  } catch (error) {
    if (isKeroError(error, 'database_unavailable')) return undefined;
    throw error;
  }
}

/** The embedded server, as the postgres driver sees it. */
export function serverConfig(
  config: EmbeddedDatabaseConfig,
  { host, port, user, password, database }: Connection,
  { migrate }: { migrate: boolean },
): PostgresConfig {
  return {
    driver: 'postgres',
    hosts: [{ host, port }],
    database,
    user,
    password,
    sslMode: 'disable',
    sslCaFile: undefined,
    migrate,
    applicationName: config.applicationName,
    maxConnections: config.maxConnections,
  };
}
