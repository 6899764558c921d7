import type { Logger } from '@kero/runtime';
import type { DatabaseConfig } from './database-settings.ts';
import { serverConfig } from './embedded/embedded-database.ts';
import { startEmbeddedServer } from './embedded/embedded-server.ts';
import { migrateServer } from './postgres/migrate-server.ts';
import { whenServerAnswers } from './postgres/when-server-answers.ts';

/**
 * Brings the schema up to this program's, creating the database when it is missing; an embedded server is started for it
 * and stopped again. Resolves to the names of the migrations that were applied. Throws as openDatabase does.
 */
export async function migrate(config: DatabaseConfig, { logger }: { logger: Logger }): Promise<{ applied: string[] }> {
  switch (config.driver) {
    case 'postgres':
      return { applied: await whenServerAnswers(config, { logger }, () => migrateServer(config, { logger })) };
    case 'embedded': {
      const server = await startEmbeddedServer(config, { logger });
      try {
        return { applied: await migrateServer(serverConfig(config, server.connection, { migrate: true }), { logger }) };
      } finally {
        await server.stop();
      }
    }
  }
}
