export type { AuditEntry, AuditLog } from './audit-log.ts';
export { type DatabaseErrorCode, databaseError, databaseErrors } from './database-errors.ts';
export {
  type DatabaseConfig,
  type DatabaseSettings,
  databaseConfig,
  databaseSettings,
  describeDatabaseConfig,
  type EmbeddedDatabaseConfig,
  type PostgresConfig,
} from './database-settings.ts';
export {
  type DeadLetterCount,
  type DeadLetterFilter,
  type DeadLetterPage,
  type DeadLetterStatus,
  type DeadLetterStore,
  type DeadLetterSummary,
  deadLetterStatuses,
  type StoredDeadLetter,
  type StoredEventPlace,
} from './dead-letter-store.ts';
export { type EmbeddedConnection, embeddedConnection } from './embedded/embedded-database.ts';
export type { EventRetention, ExpiredMonth, RetentionOptions, RetentionResult } from './event-retention.ts';
export type {
  Database,
  DeadLetter,
  DeadLetterReason,
  EventStore,
  QueryResult,
  StoreBatch,
  StoreEvent,
  StoreRecord,
  StoreResult,
} from './event-store.ts';
export { deadLetterReasons } from './event-store.ts';
export { migrate } from './migrate.ts';
export { connectDatabase, type OpenDatabaseContext, openDatabase } from './open-database.ts';
export { clientErrorRules, errorRules } from './postgres/classify-error.ts';
