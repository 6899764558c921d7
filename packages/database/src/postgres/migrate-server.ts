import { describeError, isKeroError, type Logger } from '@kero/runtime';
import { runner } from 'node-pg-migrate';
import pg from 'pg';
import { databaseError } from '../database-errors.ts';
import {
  appliedMigrations,
  checkEncoding,
  MIGRATIONS_FOLDER,
  MIGRATIONS_TABLE,
  refuseNewerSchema,
} from '../schema-version.ts';
import { sqlState, toDatabaseError } from './classify-error.ts';
import { connectWritable, noLimits, type ServerAddress } from './client.ts';

/** Any number that nobody else uses; kero_ensure_events_partition has (1801812591, 2). */
const MIGRATION_LOCK = '1801812591, 1';

const DATABASE_MISSING = '3D000';
const DATABASE_EXISTS = ['42P04', '23505'];
/** A database that every server has. */
const MAINTENANCE_DATABASE = 'postgres';

/**
 * Brings the schema of a PostgreSQL server up to this program's, creating the database when it is missing. Processes that
 * migrate at the same time wait for each other. Resolves to the names of the migrations that were applied here.
 *
 * Throws `schema_newer`, `migration_failed`, `database_unavailable` or `database_misconfigured`.
 */
export async function migrateServer(server: ServerAddress, { logger }: { logger: Logger }): Promise<string[]> {
  const { client } = await connectOrCreate(server, logger);
  try {
    await checkEncoding(client);
    await takeLock(client, logger);
    refuseNewerSchema(await appliedMigrations(client));
    return await runMigrations(client, logger);
  } catch (error) {
    throw isKeroError(error) ? error : toDatabaseError(error, 'migrating');
  } finally {
    // Ends the lock too.
    await client.end();
  }
}

async function connectOrCreate(server: ServerAddress, logger: Logger) {
  try {
    return await connectWritable(server, noLimits);
  } catch (error) {
    if (!isKeroError(error) || sqlState(error.cause) !== DATABASE_MISSING) throw error;
  }
  await createDatabase(server, logger);
  return connectWritable(server, noLimits);
}

async function createDatabase(server: ServerAddress, logger: Logger): Promise<void> {
  const { client } = await connectWritable({ ...server, database: MAINTENANCE_DATABASE }, noLimits);
  try {
    await client.query(`create database ${pg.escapeIdentifier(server.database)} encoding 'UTF8' template template0`);
    logger.info(`created the database ${server.database}`);
  } catch (error) {
    // Somebody else was faster.
    if (DATABASE_EXISTS.includes(sqlState(error) ?? '')) return;
    throw toDatabaseError(error, `creating the database ${server.database}`);
  } finally {
    await client.end();
  }
}

async function takeLock(client: pg.Client, logger: Logger): Promise<void> {
  const tried = await client.query<{ locked: boolean }>(`select pg_try_advisory_lock(${MIGRATION_LOCK}) as locked`);
  if (tried.rows[0]?.locked) return;
  logger.info('another process is migrating this database: waiting for it');
  await client.query('set lock_timeout = 0');
  await client.query(`select pg_advisory_lock(${MIGRATION_LOCK})`);
}

async function runMigrations(client: pg.Client, logger: Logger): Promise<string[]> {
  const complaints: string[] = [];
  try {
    const applied = await runner({
      dbClient: client,
      dir: MIGRATIONS_FOLDER,
      direction: 'up',
      migrationsTable: MIGRATIONS_TABLE,
      schema: 'public',
      // One transaction for each: a later one may need a statement that cannot share one.
      singleTransaction: false,
      // Ours is held already, and waits instead of failing.
      noLock: true,
      logger: {
        debug: () => {},
        info: (line) => logger.debug(line),
        warn: (line) => complaints.push(line),
        error: (line) => complaints.push(line),
      },
    });
    for (const { name } of applied) logger.info(`migration ${name} applied`);
    if (applied.length === 0) logger.debug('the schema is up to date');
    return applied.map(({ name }) => name);
  } catch (error) {
    logger.debug({ complaints }, 'what the migration library said');
    throw databaseError('migration_failed', `a migration failed: ${describeError(error)}`, { cause: error });
  }
}
