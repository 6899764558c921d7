import { resolve } from 'node:path';
import { type DatabaseConfig, databaseConfig } from '@kero/database';
import { type MessagingConfig, messagingConfig } from '@kero/messaging';
import type { AllSettings } from './all-settings.ts';

const CLI_CONNECTIONS = 2;

/** How commands for people (sql, migrate) connect to the database. */
export function cliDatabaseConfig(settings: AllSettings): DatabaseConfig {
  return databaseConfig(settings.database, {
    dataDirectory: resolve(settings.runtime.dataDirectory),
    applicationName: `${settings.runtime.projectName}-cli`,
    maxConnections: CLI_CONNECTIONS,
  });
}

/** The log that `kero start` uses. */
export function startMessagingConfig(settings: AllSettings): MessagingConfig {
  return messagingConfig(settings.messaging, {
    dataDirectory: resolve(settings.runtime.dataDirectory),
    clientId: settings.runtime.projectName,
    maxEventBytes: settings.events.maxBytes,
  });
}
