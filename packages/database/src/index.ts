export { type DatabaseErrorCode, databaseError, databaseErrors } from './database-errors.ts';
export {
  type DatabaseConfig,
  type DatabaseSettings,
  databaseConfig,
  databaseSettings,
  type EmbeddedDatabaseConfig,
  type PostgresConfig,
} from './database-settings.ts';
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
