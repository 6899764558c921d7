import { errorFactory } from '@kero/runtime';

/** Errors of the database, the same for every driver. */
export const databaseErrors = {
  database_unavailable: {
    retryable: true,
    meaning: 'PostgreSQL cannot be reached, is starting or stopping, is read-only, or is short of a resource.',
    remedy: 'Nothing is lost: events wait in the log. Look at the PostgreSQL server and at the POSTGRES_ settings.',
  },
  database_misconfigured: {
    retryable: true,
    meaning: 'PostgreSQL answers, but a right, a table or the database itself is missing.',
    remedy: 'Run `kero migrate` and check the rights of POSTGRES_USER (docs/querying.md has the roles).',
  },
  data_refused: {
    retryable: false,
    meaning: 'PostgreSQL is well and refuses the data of at least one record.',
    remedy: 'The record is isolated and kept in dead_letters with reason refused_by_database.',
  },
  schema_missing: {
    retryable: false,
    meaning: "The database has not got Kero's tables, or only those of an older version.",
    remedy: 'Run `kero migrate`, or set MIGRATE_ON_START=true.',
  },
  schema_newer: {
    retryable: false,
    meaning: 'The database was migrated by a newer version of Kero than this program.',
    remedy: 'Start the newer version; an older one could damage what it does not know.',
  },
  migration_failed: {
    retryable: false,
    meaning: 'A migration could not be applied; the database is as it was before it.',
    remedy: 'Read the message: mostly a missing right of POSTGRES_USER. Then run `kero migrate` again.',
  },
  query_failed: {
    retryable: false,
    meaning: 'PostgreSQL did not accept a statement that a person gave it (`kero sql`).',
    remedy: 'Read the message of PostgreSQL; docs/querying.md has the tables and example statements.',
  },
  embedded_server_failed: {
    retryable: false,
    meaning: 'The embedded PostgreSQL server cannot be started.',
    remedy: 'Read the message and the named log file; or set POSTGRES_HOST to use a server of your own.',
  },
} as const;

export type DatabaseErrorCode = keyof typeof databaseErrors;

export const databaseError = errorFactory<DatabaseErrorCode>(databaseErrors);
