import { existsSync } from 'node:fs';
import { type Logger, throwIfStopped } from '@kero/runtime';
import { databaseError } from './database-errors.ts';
import type { DatabaseConfig } from './database-settings.ts';
import { connectRunning, openEmbedded } from './embedded/embedded-database.ts';
import type { Database } from './event-store.ts';
import { connectPostgres, openPostgres } from './postgres/postgres-database.ts';

export interface OpenDatabaseContext {
  readonly logger: Logger;
  /** Ends the waits with `stopped`; what was started for the database is stopped again. */
  readonly stop?: AbortSignal | undefined;
  /** How long a server that is away is waited for, in milliseconds (START_PATIENCE_MS); Infinity until it is there. */
  readonly patienceMs?: number | undefined;
}

/**
 * Opens the configured database and checks that its schema fits this program; embedded mode starts the server and
 * migrates first.
 *
 * Throws KeroError: `database_unavailable`, `database_misconfigured`, `schema_missing`, `schema_newer`,
 * `migration_failed`, `embedded_server_failed`, and `folder_in_use` when another process runs the embedded server;
 * `stopped` when `stop` aborts meanwhile.
 */
export async function openDatabase(config: DatabaseConfig, context: OpenDatabaseContext): Promise<Database> {
  throwIfStopped(context.stop);
  switch (config.driver) {
    case 'postgres':
      return openPostgres(config, context);
    case 'embedded':
      return openEmbedded(config, context);
  }
}

/**
 * Connects to the configured database for statements of a person (Database.query), whatever its schema is like. An
 * embedded server that another process runs is used as it is; one that does not run is started, and stopped by close().
 */
export async function connectDatabase(config: DatabaseConfig, { logger }: { logger: Logger }): Promise<Database> {
  switch (config.driver) {
    case 'postgres':
      return connectPostgres(config, { logger });
    case 'embedded':
      if (!existsSync(config.directory)) {
        throw databaseError('embedded_server_failed', `there is no embedded PostgreSQL in ${config.directory} yet`, {
          remedy: 'Run `kero start` first, in the same folder or with the same KERO_DATA_DIR; or set POSTGRES_HOST.',
        });
      }
      return (await connectRunning(config, { logger })) ?? openEmbedded(config, { logger });
  }
}
